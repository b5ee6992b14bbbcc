// Package feast reads the bytes that Feast (feast-dev/feast) stores in Redis: a hash for each entity, whose key is the
// serialised entity key and the name of the project, whose fields are hashes of feature names, whose values are protobuf messages.
//
// Source: sdk/python/feast/infra/key_encoding_utils.py, infra/online_stores/helpers.py and redis.py,
// protos/feast/types/Value.proto, at commit f0bc070 (2026).
package feast

import (
	"encoding/binary"
	"math/bits"
)

// Type is the type of an entity's value, of Feast's ValueType.Enum.
type Type uint32

// The types that keys of entities have here.
const (
	String Type = 2
	Int32  Type = 3
	Int64  Type = 4
)

// Key builds the Redis keys of the entities of one join key.
type Key struct {
	Version int // entity_key_serialization_version: 2 or 3
	Join    string
	Project string
}

// AppendInt appends the key of an entity whose value is a number of type Int32 or Int64.
func (k Key) AppendInt(dst []byte, t Type, value int64) []byte {
	dst = k.head(dst)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(t))
	if t == Int32 {
		dst = binary.LittleEndian.AppendUint32(dst, 4)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(int32(value)))
	} else {
		dst = binary.LittleEndian.AppendUint32(dst, 8)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(value))
	}
	return append(dst, k.Project...)
}

// AppendString appends the key of an entity whose value is text.
func (k Key) AppendString(dst []byte, value string) []byte {
	dst = k.head(dst)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(String))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(value)))
	dst = append(dst, value...)
	return append(dst, k.Project...)
}

// head appends what stands before the value. Version 3 added the number of join keys and the length of their names.
func (k Key) head(dst []byte) []byte {
	if k.Version > 2 {
		dst = binary.LittleEndian.AppendUint32(dst, 1)
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(String))
	if k.Version > 2 {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(k.Join)))
	}
	return append(dst, k.Join...)
}

// Field returns the field of a feature: the murmur3 hash of "view:feature", four bytes little-endian.
func Field(view, feature string) string {
	return string(binary.LittleEndian.AppendUint32(nil, Murmur3(view+":"+feature)))
}

// TimeField returns the field of a view's event time.
func TimeField(view string) string { return "_ts:" + view }

// Murmur3 is MurmurHash3_x86_32 with seed 0.
//
// Source: Austin Appleby, MurmurHash3.cpp (public domain).
func Murmur3(s string) uint32 {
	const c1, c2 = 0xcc9e2d51, 0x1b873593
	h, n := uint32(0), uint32(len(s))
	for ; len(s) >= 4; s = s[4:] {
		k := uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
		h ^= bits.RotateLeft32(k*c1, 15) * c2
		h = bits.RotateLeft32(h, 13)*5 + 0xe6546b64
	}
	k := uint32(0)
	for i := len(s) - 1; i >= 0; i-- {
		k = k<<8 | uint32(s[i])
	}
	h ^= bits.RotateLeft32(k*c1, 15) * c2
	h ^= n
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	return h ^ h>>16
}
