package envelope_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/recsyskit/recsys/internal/envelope"
)

func BenchmarkWrite(b *testing.B) {
	values := make([]float32, 4<<20)
	b.SetBytes(int64(4 * len(values)))
	for b.Loop() {
		w := envelope.NewWriter(io.Discard, kind, 1, 0)
		envelope.Write(w, "factors", values)
		if _, err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	var file bytes.Buffer
	w := envelope.NewWriter(&file, kind, 1, 0)
	envelope.Write(w, "factors", make([]float32, 4<<20))
	if _, err := w.Close(); err != nil {
		b.Fatal(err)
	}
	for _, src := range []struct {
		name string
		of   func() io.Reader
	}{
		{"known", func() io.Reader { return bytes.NewReader(file.Bytes()) }},
		{"unknown", func() io.Reader { return struct{ io.Reader }{bytes.NewReader(file.Bytes())} }},
	} {
		b.Run("length="+src.name, func(b *testing.B) {
			b.SetBytes(int64(file.Len()))
			b.ReportAllocs()
			for b.Loop() {
				r := envelope.NewReader(src.of(), kind, 1)
				envelope.Read[float32](r, "factors")
				if _, err := r.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
