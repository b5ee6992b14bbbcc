package nn

// Slab hands out consecutive parts of one slice. The zero Slab counts: it hands out nil and
// remembers how much was asked for.
type Slab struct {
	data []float32
	at   int
}

// NewSlab returns a slab of data.
func NewSlab(data []float32) *Slab { return &Slab{data: data} }

// Take returns the next n elements, without room to append. It panics when data was given
// and has fewer left.
func (s *Slab) Take(n int) []float32 {
	from := s.at
	s.at += n
	if s.data == nil {
		return nil
	}
	return s.data[from:s.at:s.at]
}

// Size returns how many elements build takes.
func Size[T any](build func(*Slab) T) int {
	var s Slab
	build(&s)
	return s.at
}
