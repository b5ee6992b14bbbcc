package envelope

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

const (
	magic         = "recsys\x1a\n"
	layoutVersion = 1
	blockSize     = 64
	checkSize     = 4
	checkAt       = blockSize - checkSize
	nameAt        = 24
	nameSize      = checkAt - nameAt
	digestAt      = checkAt - checkSize // in the end block
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func check(sum uint32, b []byte) uint32 { return crc32.Update(sum, castagnoli, b) }

// block is a header, a section's header or the end block.
type block [blockSize]byte

func (b *block) seal()        { binary.LittleEndian.PutUint32(b[checkAt:], check(0, b[:checkAt])) }
func (b *block) intact() bool { return b.check() == check(0, b[:checkAt]) }
func (b *block) check() uint32 {
	return binary.LittleEndian.Uint32(b[checkAt:])
}

type header struct {
	layout  uint16
	version uint32
	schema  uint64
	kind    string
}

func (h header) block() (b block) {
	copy(b[:], magic)
	binary.LittleEndian.PutUint16(b[8:], h.layout)
	binary.LittleEndian.PutUint32(b[12:], h.version)
	binary.LittleEndian.PutUint64(b[16:], h.schema)
	copy(b[nameAt:checkAt], h.kind)
	b.seal()
	return b
}

func (b *block) header() header {
	return header{
		layout:  binary.LittleEndian.Uint16(b[8:]),
		version: binary.LittleEndian.Uint32(b[12:]),
		schema:  binary.LittleEndian.Uint64(b[16:]),
		kind:    b.name(),
	}
}

type section struct {
	typ    byte
	number uint32
	count  uint64 // elements
	size   uint64 // payload bytes
	name   string
}

func (s section) block() (b block) {
	b[0] = s.typ
	binary.LittleEndian.PutUint32(b[4:], s.number)
	binary.LittleEndian.PutUint64(b[8:], s.count)
	binary.LittleEndian.PutUint64(b[16:], s.size)
	copy(b[nameAt:checkAt], s.name)
	b.seal()
	return b
}

func (b *block) section() section {
	return section{
		typ:    b[0],
		number: binary.LittleEndian.Uint32(b[4:]),
		count:  binary.LittleEndian.Uint64(b[8:]),
		size:   binary.LittleEndian.Uint64(b[16:]),
		name:   b.name(),
	}
}

// endBlock is the last block of an envelope of n bytes.
func endBlock(sections uint32, n uint64, digest uint32) block {
	b := section{typ: typeEnd, number: sections, size: n}.block()
	binary.LittleEndian.PutUint32(b[digestAt:], digest)
	b.seal()
	return b
}

func (b *block) name() string {
	name := b[nameAt:checkAt]
	for len(name) > 0 && name[len(name)-1] == 0 {
		name = name[:len(name)-1]
	}
	return string(name)
}

// padding returns how many zeros stand between a payload and its check.
func padding(size uint64) int {
	return int((blockSize - (size+checkSize)%blockSize) % blockSize)
}

// checkName returns an error unless name fits a block and reads the same when
// it comes back.
func checkName(what, name string) error {
	if name == "" || len(name) > nameSize {
		return fmt.Errorf("envelope: %s %q has %d bytes; want 1 to %d", what, name, len(name), nameSize)
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c > '~' {
			return fmt.Errorf("envelope: %s %q; want printable ASCII without spaces", what, name)
		}
	}
	return nil
}
