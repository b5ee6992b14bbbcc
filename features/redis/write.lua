-- Writes rows whose event time is not before the one that is there. KEYS are those of the rows. ARGV[1] is the time to live in
-- milliseconds, 0 for ever; ARGV[1+i] is the row of KEYS[i].
--
-- Returns a letter for each row, and the first error of the server: s stored, l late, r stored in place of a row of another
-- version, f not stored since what is there is no row, e not stored because of an error.
local answer, failure = {}, ''
for i, key in ipairs(KEYS) do
  local row = ARGV[1 + i]
  local head = redis.pcall('GETRANGE', key, 0, @HEAD@)
  local done
  if type(head) == 'table' then -- of another type
    done = 'f'
  elseif #head == 0 then
    done = 's'
  elseif #head <= @HEAD@ or string.sub(head, 1, @MAGICEND@) ~= string.sub(row, 1, @MAGICEND@) then
    done = 'f'
  elseif string.sub(head, @HASH@, @HASHEND@) ~= string.sub(row, @HASH@, @HASHEND@) then
    done = 'r'
  else
    local low, high = struct.unpack('<I4i4', head, @TIME@)
    local newlow, newhigh = struct.unpack('<I4i4', row, @TIME@)
    if newhigh < high or newhigh == high and newlow < low then
      done = 'l'
    else
      done = 's'
    end
  end
  if done == 's' or done == 'r' then
    local reply
    if ARGV[1] == '0' then
      reply = redis.pcall('SET', key, row)
    else
      reply = redis.pcall('SET', key, row, 'PX', ARGV[1])
    end
    if reply.err then
      done = 'e'
      if failure == '' then failure = reply.err end
    end
  end
  answer[i] = done
end
return {table.concat(answer), failure}
