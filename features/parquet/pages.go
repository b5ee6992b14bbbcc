package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// maxPage is how much a page may unpack to. Writers aim at a megabyte.
const maxPage = 256 << 20

// checkPages returns an error when a page of a column claims to be larger than what is left of the column, or to
// unpack to more than maxPage: the library allocates what pages say of themselves before it reads them. It reads
// their headers alone.
func checkPages(r io.ReaderAt, m *format.ColumnMetaData) error {
	at := m.DataPageOffset
	if m.DictionaryPageOffset != 0 {
		at = m.DictionaryPageOffset
	}
	var buf []byte
	for end := at + m.TotalCompressedSize; at < end; {
		var h format.PageHeader
		size, err := pageHeader(r, at, end, &buf, &h)
		if errors.Is(err, io.EOF) { // which would read as the end of the table
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return fmt.Errorf("the header of the page at byte %d: %w", at, err)
		}
		at += size
		if n := int64(h.CompressedPageSize); n < 0 || n > end-at {
			return fmt.Errorf("a page of %d bytes where the column has %d left", n, end-at)
		}
		unpacked := uint64(int64(h.UncompressedPageSize))
		if m.Codec == format.Snappy {
			unpacked = max(unpacked, snappySize(r, at, &h))
		}
		if unpacked > maxPage {
			return fmt.Errorf("a page of %d bytes when unpacked; want at most %d", unpacked, maxPage)
		}
		at += int64(h.CompressedPageSize)
	}
	return nil
}

// pageHeader reads the header at a place into h and returns its length. Most are below a hundred bytes; statistics can make
// them longer.
func pageHeader(r io.ReaderAt, at, end int64, buf *[]byte, h *format.PageHeader) (int64, error) {
	for n := int64(512); ; n *= 8 {
		n = min(n, end-at)
		if int64(len(*buf)) < n {
			*buf = make([]byte, n)
		}
		b := (*buf)[:n]
		if got, err := r.ReadAt(b, at); got < len(b) {
			return 0, err
		}
		p := new(thrift.CompactProtocol).NewReaderFromBytes(b)
		*h = format.PageHeader{}
		err := thrift.NewDecoder(p).Decode(h)
		if err == nil {
			return int64(p.BytesRead()), nil
		}
		if n == end-at {
			return 0, err
		}
	}
}

// snappySize returns the length that the packed bytes of a page begin with: it is allocated too.
func snappySize(r io.ReaderAt, at int64, h *format.PageHeader) uint64 {
	left := int64(h.CompressedPageSize)
	if h.Type == format.DataPageV2 { // levels come first, and are not packed
		levels := int64(h.DataPageHeaderV2.V.RepetitionLevelsByteLength) + int64(h.DataPageHeaderV2.V.DefinitionLevelsByteLength)
		if packed := h.DataPageHeaderV2.V.IsCompressed; packed.Valid && !packed.V || levels < 0 {
			return 0
		}
		at, left = at+levels, left-levels
	}
	var b [binary.MaxVarintLen64]byte
	n, _ := r.ReadAt(b[:max(0, min(left, int64(len(b))))], at)
	size, _ := binary.Uvarint(b[:n])
	return size
}
