// Package envelope is the one file format of this module: every model, index
// and store writes its arrays into an envelope and reads them out of one.
//
// An envelope says what it holds (a kind such as "als", the version of that
// kind's format, a hash of the schema it was built for) and proves that it is
// whole. A reader learns which it met instead of a model: something else, a file
// of a newer program, a truncated one, a damaged one. It reads exactly the
// envelope's own bytes, so several may follow each other in one stream.
//
// A type with a file format implements [io.WriterTo] and [io.ReaderFrom] with a
// [Writer] and a [Reader]. Both keep the first error to themselves until Close,
// so the code is a list of sections:
//
//	func (m *Model) WriteTo(dst io.Writer) (int64, error) {
//		w := envelope.NewWriter(dst, "als", 1, 0)
//		w.WriteJSON("config", m.config)
//		envelope.Write(w, "items", m.items)     // []recsys.ItemID
//		envelope.Write(w, "factors", m.factors) // []float32
//		return w.Close()
//	}
//
//	func (m *Model) ReadFrom(src io.Reader) (int64, error) {
//		r := envelope.NewReader(src, "als", 1)
//		var in Model
//		r.ReadJSON("config", &in.config)
//		in.items = envelope.Read[recsys.ItemID](r, "items")
//		in.factors = envelope.ReadN[float32](r, "factors", len(in.items)*in.config.Factors)
//		if err := in.check(); err != nil {
//			r.Fail(err.Error()) // no effect when an error came before
//		}
//		n, err := r.Close()
//		if err != nil {
//			return n, fmt.Errorf("als: %w", err)
//		}
//		*m = in
//		return n, nil
//	}
//
// A large index is not read but mapped: [Map] calls the same list of sections with a
// reader that does not copy arrays.
//
//	func (m *Model) sections(r *envelope.Reader) // as in ReadFrom, between NewReader and Close
//
//	func Open(path string) (*Model, error) {
//		var m Model
//		file, err := envelope.Map(path, "als", 1, m.sections)
//		if err != nil {
//			return nil, fmt.Errorf("als: %w", err)
//		}
//		m.file = file // for Verify and Close
//		return &m, nil
//	}
//
// [WriteFile] and [ReadFile] do that with a path, [Save] and [Load] with whatever
// reads and writes; files are replaced atomically.
//
// # Layout, version 1
//
// Everything is little endian, every block starts at a multiple of 64 bytes from
// the start of the envelope, so that a page-aligned mapping has aligned arrays.
//
//	header    0 "recsys\x1a\n"   8 uint16 layout version   10 zeros
//	         12 uint32 kind version   16 uint64 schema hash   24 kind, 36 bytes, zero padded
//	         60 uint32 check of bytes 0 to 59
//	section   0 uint8 element type   1 zeros   4 uint32 section number from 0
//	          8 uint64 elements   16 uint64 payload bytes   24 name, 36 bytes, zero padded
//	         60 uint32 check of bytes 0 to 59
//	         64 payload, zeros up to 4 bytes before a multiple of 64,
//	            uint32 check of payload and zeros
//	end       as a section's header, of type 0xff: sections in the number field,
//	         the envelope's bytes in the payload field, and in place of the name's last
//	         4 bytes, at 56, a uint32 check of all check fields before it, in order
//
// A check is a CRC-32C. The last one ties the blocks together: two halves of two
// good files make no good file. The element type is class<<4 | size, with the
// classes 1 unsigned, 2 signed, 3 float; 0x41 is JSON text, 0x42 a list of
// strings (a uint32 length for each, then their bytes).
//
// A check finds damage, not malice. Whoever can choose the bytes can choose
// them well-formed, so a reader still checks what the arrays say of each other;
// [Reader.Fail] reports it. What they cannot do is make it allocate: memory grows
// with the bytes that arrive, whatever a length field says.
package envelope
