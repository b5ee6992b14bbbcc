package redis

import (
	"fmt"
	"strconv"
	"strings"
)

// keyspace makes the Redis keys of a view's rows:
//
//	prefix name@hhhhhhhh:key        as in item.stats@5f3a09c1:1234
//
// where the eight hexadecimal digits are the upper half of the hash of what is stored (View.RowHash) and the key is decimal. So two
// versions of a view lie side by side: the old one serves while the new one is filled. Up to 30 bytes a key takes 32 bytes
// of Redis's memory.
type keyspace struct{ prefix string }

func newKeyspace(prefix, view string, hash uint64) (keyspace, error) {
	for what, s := range map[string]string{"Prefix": prefix, "View.Name": view} {
		if strings.ContainsAny(s, "{}") {
			return keyspace{}, fmt.Errorf("%s is %q; want no braces: a Redis Cluster would put all keys into one slot", what, s)
		}
	}
	return keyspace{fmt.Sprintf("%s%s@%08x:", prefix, view, hash>>32)}, nil
}

// append appends the Redis keys of the rows to dst. All share one new string.
func (k keyspace) append(dst []string, text []byte, keys []uint64) ([]string, []byte) {
	text = text[:0]
	for _, key := range keys {
		text = append(text, k.prefix...)
		text = strconv.AppendUint(text, key, 10)
	}
	all := string(text)
	for _, key := range keys {
		n := len(k.prefix) + decimals(key)
		dst = append(dst, all[:n])
		all = all[n:]
	}
	return dst, text
}

// parse is the inverse of append for one key.
func (k keyspace) parse(s string) (key uint64, ok bool) {
	digits, ok := strings.CutPrefix(s, k.prefix)
	if !ok {
		return 0, false
	}
	key, err := strconv.ParseUint(digits, 10, 64)
	return key, err == nil
}

// decimals returns the number of digits of x.
func decimals(x uint64) int {
	n := 1
	for ; x >= 10; x /= 10 {
		n++
	}
	return n
}

// slotOf returns the slot of a key without braces in a Redis Cluster.
//
// Source: the Redis Cluster specification, key distribution model: CRC16 (XMODEM), modulo 16384.
func slotOf(key string) uint16 {
	crc := uint16(0)
	for i := range len(key) {
		crc = crc<<8 ^ crc16[byte(crc>>8)^key[i]]
	}
	return crc % 16384
}

var crc16 = func() (t [256]uint16) {
	for i := range t {
		crc := uint16(i) << 8
		for range 8 {
			carry := crc & 0x8000
			crc <<= 1
			if carry != 0 {
				crc ^= 0x1021
			}
		}
		t[i] = crc
	}
	return t
}()
