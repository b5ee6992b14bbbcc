package redis

import (
	"context"
	"crypto/sha1"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/internal/row"
)

//go:embed write.lua
var writeTemplate string

// writeScript is write.lua with the places of a row's fields, counted from 1 as Lua does.
var writeScript = strings.NewReplacer(
	"@HEAD@", strconv.Itoa(row.HeadBytes-1), "@MAGICEND@", "1",
	"@HASH@", strconv.Itoa(row.HashStart+1), "@HASHEND@", strconv.Itoa(row.HashEnd), "@TIME@", strconv.Itoa(row.TimeStart+1),
).Replace(writeTemplate)

var writeSHA = func() string {
	sum := sha1.Sum([]byte(writeScript))
	return hex.EncodeToString(sum[:])
}()

// WriteError is the error of rows that Redis has not stored although they were right. Rows of the same batch may be
// stored: the counts that come with it tell. It is safe to write all again.
type WriteError struct {
	View    string
	Refused int    // rows that Redis did not store, as far as it has answered
	Reason  string // the first answer of Redis
	Key     string // the Redis key of a row under which something else lies, if that is the reason
}

// Error names the view, the number of rows and the reason.
func (e *WriteError) Error() string {
	if e.Key != "" {
		return fmt.Sprintf("redis: view %q: %d rows are not stored: key %q holds %s", e.View, e.Refused, e.Key, e.Reason)
	}
	return fmt.Sprintf("redis: view %q: %d rows are not stored: %s", e.View, e.Refused, e.Reason)
}

// PutBatch writes rows, see [features.OnlineStore]: a script compares event times in Redis, so a batch of up to 1024 rows is
// one round trip, whatever the order in which writers come. A row is in memory of the master, and in its append-only file if appendfsync is
// always, when PutBatch has returned.
//
// Rows get a time to live of TTL + Future by the clock of Redis: enough that none is gone before its TTL, since event times are at
// most Future ahead. When exactly a row expires is decided at reading, by the query's Now.
//
// The error wraps a [*features.RowError] if a row is wrong, then nothing was written; is a [*WriteError] if Redis refused rows, as it does
// when its memory is full; or is that of the connection: then rows may be stored that are not counted.
func (s *Store) PutBatch(ctx context.Context, rows []features.Row) (features.Written, error) {
	var w features.Written
	batch := make([]encoded, 0, len(rows))
	var bytes []byte
	latest, _ := nanoOf(s.config.Clock().Add(s.view.Tolerance()))
	for i := range rows {
		at, err := s.check(&rows[i])
		if err != nil {
			return features.Written{}, fmt.Errorf("redis: view %q: rows[%d]: %w", s.view.Name, i, err)
		}
		if at > latest {
			w.Future++
			continue
		}
		start := len(bytes)
		bytes = s.codec.Append(bytes, &rows[i], at)
		batch = append(batch, encoded{rows[i].Key, start, len(bytes)})
	}
	s.counts.ahead.Add(uint64(w.Future))
	text := string(bytes)
	var refused *WriteError
	for len(batch) > 0 {
		n := min(len(batch), perRound)
		err := s.writeRound(ctx, batch[:n], text, &w)
		var r *WriteError
		switch {
		case errors.As(err, &r) && refused == nil:
			refused = r
		case r != nil:
			refused.Refused += r.Refused
		case err != nil:
			s.counts.failedWrites.Add(1)
			return w, fmt.Errorf("redis: view %q: %w", s.view.Name, err)
		}
		batch = batch[n:]
	}
	if refused != nil {
		s.counts.refused.Add(uint64(refused.Refused))
		return w, refused
	}
	return w, nil
}

// check returns a *features.RowError unless r can be stored, and its event time.
func (s *Store) check(r *features.Row) (at int64, err error) {
	if r.Key == 0 && s.view.Entity == features.Context {
		return 0, &features.RowError{Reason: "key 0 stands for a request without a key; want another one"}
	}
	return s.codec.Check(r)
}

// Losses returns how often a connection to Redis has ended: each time a server may have come back without its newest rows, or a replica
// without them may have taken its place. Nothing tells whether that was so; who keeps what was written compares then,
// as features/materialize does.
func (s *Store) Losses() uint64 { return s.writes.losses.Load() }

// forget drops the copies of rows that this store has written, so that it reads what it wrote; the server's
// invalidations come when they come.
func (c *core) forget(keys []uint64) {
	if c.near == nil {
		return
	}
	for _, key := range keys {
		c.near.drop(key)
	}
}

// encoded is a row's key and where its bytes are.
type encoded struct {
	key        uint64
	start, end int
}

// writeRound writes rows in one round trip, or in two where a server does not know the script yet.
func (s *Store) writeRound(ctx context.Context, rows []encoded, text string, w *features.Written) (err error) {
	l := &s.writes
	ctx, cancel, probe, err := l.begin(ctx)
	if err != nil {
		return err
	}
	answered := errPanicked
	defer func() {
		if e := l.end(ctx, probe, answered); e != nil {
			err = e
		}
		cancel()
	}()
	keys := make([]uint64, len(rows))
	for i, r := range rows {
		keys[i] = r.key
	}
	names, _ := s.space.append(make([]string, 0, len(keys)), nil, keys)
	var groups [][]uint64
	l.groups(names, nil, perScript, func(indexes []uint64) { groups = append(groups, indexes) })
	defer s.forget(keys) // also after an error: the rows may be stored
	results, err := l.doMulti(ctx, s.scripts(groups, names, rows, text, false))
	if err != nil {
		answered = err
		return err
	}
	var unknown [][]uint64
	var at []int
	for i, r := range results {
		if e, ok := rueidis.IsRedisErr(r.Error()); ok && e.IsNoScript() {
			unknown, at = append(unknown, groups[i]), append(at, i)
		}
	}
	if len(unknown) > 0 {
		again, err := l.doMulti(ctx, s.scripts(unknown, names, rows, text, true))
		if err != nil {
			answered = err
			return err
		}
		for j, r := range again {
			results[at[j]] = r
		}
	}
	refused := &WriteError{View: s.view.Name}
	answered = nil
	for i, r := range results {
		if e := s.settle(r, groups[i], names, w, refused); e != nil && answered == nil {
			answered = e
		}
	}
	if refused.Refused > 0 && answered == nil {
		return refused
	}
	return nil
}

// scripts makes a command for each group of rows.
func (s *Store) scripts(groups [][]uint64, names []string, rows []encoded, text string, whole bool) []rueidis.Completed {
	life := "0"
	if s.view.TTL > 0 {
		life = strconv.FormatInt(milliseconds(s.view.TTL)+milliseconds(s.view.Tolerance()), 10) // their sum may be no Duration
	}
	commands := make([]rueidis.Completed, len(groups))
	keys, args := make([]string, 0, perScript), make([]string, 0, perScript+1)
	for g, indexes := range groups {
		keys, args = keys[:0], append(args[:0], life)
		for _, i := range indexes {
			r := rows[uint32(i)]
			keys = append(keys, names[uint32(i)])
			args = append(args, text[r.start:r.end])
		}
		if b := s.writes.builder(); whole {
			commands[g] = b.Eval().Script(writeScript).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build()
		} else {
			commands[g] = b.Evalsha().Sha1(writeSHA).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build()
		}
	}
	return commands
}

// milliseconds rounds up.
func milliseconds(d time.Duration) int64 { return int64((d-1)/time.Millisecond) + 1 }

// settle counts what became of a group. The error is that of the connection, or of the script as a whole.
func (s *Store) settle(result rueidis.RedisResult, indexes []uint64, names []string, w *features.Written, refused *WriteError) error {
	reply, err := result.ToArray()
	if err != nil {
		return err
	}
	if len(reply) != 2 {
		return fmt.Errorf("the script answered with %d values; want 2", len(reply))
	}
	letters, err := reply[0].ToString()
	if err != nil {
		return err
	}
	failure, err := reply[1].ToString()
	if err != nil || len(letters) != len(indexes) {
		return fmt.Errorf("the script answered for %d rows; want %d: %w", len(letters), len(indexes), err)
	}
	c := &s.counts
	for j, letter := range []byte(letters) {
		switch letter {
		case 's', 'r':
			w.Stored++
			c.stored.Add(1)
			if letter == 'r' {
				c.replaced.Add(1)
			}
		case 'l':
			w.Late++
			c.late.Add(1)
		case 'f':
			refused.Refused++
			if refused.Reason == "" {
				refused.Key, refused.Reason = names[uint32(indexes[j])], "something that is no row of this package; remove it, or use another Prefix"
			}
		default:
			refused.Refused++
			if refused.Reason == "" {
				refused.Reason = failure
			}
		}
	}
	return nil
}

// Delete removes the rows of keys and returns how many there were. No trace of them is kept: a later write restores a key, whatever its
// event time.
func (s *Store) Delete(ctx context.Context, keys []uint64) (deleted int, err error) {
	for len(keys) > 0 {
		n := min(len(keys), perRound)
		d, err := s.deleteRound(ctx, keys[:n])
		deleted += d
		if err != nil {
			s.counts.failedWrites.Add(1)
			return deleted, fmt.Errorf("redis: view %q: %w", s.view.Name, err)
		}
		keys = keys[n:]
	}
	return deleted, nil
}

func (s *Store) deleteRound(ctx context.Context, keys []uint64) (deleted int, err error) {
	l := &s.writes
	ctx, cancel, probe, err := l.begin(ctx)
	if err != nil {
		return 0, err
	}
	err = errPanicked
	defer func() {
		err = l.end(ctx, probe, err)
		cancel()
	}()
	names, _ := s.space.append(make([]string, 0, len(keys)), nil, keys)
	var commands []rueidis.Completed
	l.groups(names, nil, perCommand, func(indexes []uint64) {
		var group []string
		for _, i := range indexes {
			group = append(group, names[uint32(i)])
		}
		commands = append(commands, l.builder().Unlink().Key(group...).Build())
	})
	defer s.forget(keys)
	results, err := l.doMulti(ctx, commands)
	if err != nil {
		return 0, err
	}
	for _, r := range results {
		n, err := r.AsInt64()
		if err != nil {
			return deleted, err
		}
		deleted += int(n)
	}
	return deleted, nil
}
