package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A segment is a header and frames; see the package comment.
const (
	headerSize = 64
	frameSize  = 16 // of a frame without its payload
	maxPayload = 64 << 20

	magic         = "recsyjl\x1a"
	layoutVersion = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is the beginning of a segment.
type header struct {
	first  uint64 // number of the first record
	policy uint64 // hash of the policy's Version
}

func (h header) append(dst []byte) []byte {
	at := len(dst)
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint64(dst, layoutVersion)
	dst = binary.LittleEndian.AppendUint64(dst, h.first)
	dst = binary.LittleEndian.AppendUint64(dst, h.policy)
	dst = append(dst, make([]byte, headerSize-4-(len(dst)-at))...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[at:], castagnoli))
}

// readHeader returns the header of a segment and, of one that is not whole, what is wrong.
func readHeader(b []byte) (h header, reason string, err error) {
	if len(b) < headerSize {
		return h, "the header is torn", ErrCorrupt
	}
	b = b[:headerSize]
	switch {
	case string(b[:8]) != magic:
		return h, "this is no segment of a journal", ErrCorrupt
	case crc32.Checksum(b[:headerSize-4], castagnoli) != binary.LittleEndian.Uint32(b[headerSize-4:]):
		return h, "the header is damaged", ErrCorrupt
	}
	if v := binary.LittleEndian.Uint64(b[8:]); v != layoutVersion {
		return h, fmt.Sprintf("layout version %d; this program reads %d", v, layoutVersion), ErrNewer
	}
	return header{binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])}, "", nil
}

// openFrame appends the room for a frame's head; closeFrame fills it when the payload stands behind it.
func openFrame(dst []byte) []byte { return append(dst, make([]byte, frameSize)...) }

func closeFrame(dst []byte, at int, seq uint64) {
	f := dst[at:]
	binary.LittleEndian.PutUint32(f, uint32(len(f)-frameSize))
	binary.LittleEndian.PutUint64(f[8:], seq)
	binary.LittleEndian.PutUint32(f[4:], checkOf(f))
}

// checkOf is the check of a frame: CRC-32C of all its bytes but the check.
func checkOf(f []byte) uint32 {
	return crc32.Update(crc32.Checksum(f[:4], castagnoli), castagnoli, f[8:])
}

func appendMark(dst []byte, durable uint64) []byte {
	at := len(dst)
	dst = append(openFrame(dst), kindMark)
	closeFrame(dst, at, durable)
	return dst
}

// nextFrame returns the first frame of b and its number, or what is wrong.
func nextFrame(b []byte) (frame []byte, seq uint64, reason string) {
	if len(b) < frameSize {
		return nil, 0, "the frame is torn"
	}
	n := uint64(binary.LittleEndian.Uint32(b))
	switch {
	case n == 0 || n > maxPayload:
		return nil, 0, fmt.Sprintf("the length is %d", n)
	case n > uint64(len(b)-frameSize):
		return nil, 0, "the frame is torn"
	}
	frame = b[:frameSize+n]
	if checkOf(frame) != binary.LittleEndian.Uint32(frame[4:]) {
		return nil, 0, "the check does not hold"
	}
	return frame, binary.LittleEndian.Uint64(frame[8:]), ""
}

// segment is a file of a journal in memory.
type segment struct {
	path  string
	bytes []byte
	first uint64 // number of its first record
	last  bool   // no other comes after it, so its end may be torn
}

// walk calls visit with the number and the payload of each record. It returns where whole records end and the number of
// the record after them. In the last segment, what comes then is a torn tail if nothing proves that it
// had been synced; else it is damage, and the error a [*FileError], as it is when visit fails.
func (s *segment) walk(visit func(seq uint64, payload []byte) error) (end int, next uint64, err error) {
	end, next = headerSize, s.first
	for end < len(s.bytes) {
		frame, seq, reason := nextFrame(s.bytes[end:])
		switch {
		case reason != "":
			if !s.last || s.synced(end, next) {
				return end, next, s.damage(end, next, reason)
			}
			return end, next, nil
		case isMark(frame):
			if seq >= next {
				return end, next, s.damage(end, next, fmt.Sprintf("record %d is missing", next))
			}
		case seq != next:
			return end, next, s.damage(end, next, fmt.Sprintf("the record has number %d", seq))
		default:
			if err := visit(seq, frame[frameSize:]); err != nil {
				return end, next, s.damage(end, next, err.Error())
			}
			next++
		}
		end += len(frame)
	}
	return end, next, nil
}

func isMark(frame []byte) bool { return len(frame) == frameSize+1 && frame[frameSize] == kindMark }

func (s *segment) damage(at int, seq uint64, reason string) error {
	return &FileError{Path: s.path, Offset: int64(at), Seq: seq, Reason: reason, Err: ErrCorrupt}
}

// synced reports whether a mark behind at says that record seq had been synced. Power that fails may leave pages
// that were never synced on the disk in any order: whole frames behind a broken one prove nothing.
func (s *segment) synced(at int, seq uint64) bool {
	b := s.bytes[at:]
	head := []byte{1, 0, 0, 0} // length of a mark's payload
	for {
		i := bytes.Index(b, head)
		if i < 0 || len(b)-i < frameSize+1 {
			return false
		}
		f := b[i : i+frameSize+1]
		if isMark(f) && binary.LittleEndian.Uint64(f[8:]) >= seq && checkOf(f) == binary.LittleEndian.Uint32(f[4:]) {
			return true
		}
		b = b[i+1:]
	}
}
