package envelope_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"
)

func crc(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// mend makes the checks of the blocks hold as far as the lengths lead, so that
// the fuzzer gets behind them.
func mend(file []byte) {
	var digest []byte
	for at := 0; at+64 <= len(file); {
		block := file[at : at+64]
		if block[0] == 0xff {
			binary.LittleEndian.PutUint32(block[56:], crc(digest))
			seal(block)
			return
		}
		seal(block)
		digest = append(digest, block[60:]...)
		if at += 64; at == 64 {
			continue // the header has no payload
		}
		size := binary.LittleEndian.Uint64(block[16:])
		if size > uint64(len(file)-at) {
			return
		}
		whole := (int(size) + 4 + 63) / 64 * 64
		if at+whole > len(file) {
			return
		}
		binary.LittleEndian.PutUint32(file[at+whole-4:], crc(file[at:at+whole-4]))
		digest = append(digest, file[at+whole-4:at+whole]...)
		at += whole
	}
}

func FuzzReader(f *testing.F) {
	for _, n := range []int{0, 1, 40} {
		f.Add(encoded(f, sample(n)), true)
		f.Add(encoded(f, sample(n)), false)
	}
	f.Fuzz(func(t *testing.T, file []byte, mended bool) {
		file = append([]byte(nil), file...)
		if mended {
			mend(file)
		}
		var c content
		var n int64
		var err error
		used := allocated(func() { n, err = c.ReadFrom(struct{ *bytes.Buffer }{bytes.NewBuffer(file)}) })
		if limit := uint64(1<<20 + 16*len(file)); used > limit {
			t.Errorf("allocated %d bytes for %d", used, len(file))
		}
		if n > int64(len(file)) {
			t.Errorf("read %d bytes of %d", n, len(file))
		}
		if err != nil {
			return
		}
		again := encoded(t, c)
		var back content
		if _, err := back.ReadFrom(bytes.NewReader(again)); err != nil {
			t.Errorf("what was read cannot be written and read: %v", err)
		}
		// JSON text has many spellings; all other sections have one.
		if at := findSection(t, again, "ids"); !bytes.Equal(again[at:len(again)-64], file[findSection(t, file, "ids"):][:len(again)-64-at]) {
			t.Error("decode and encode give other bytes")
		}
	})
}
