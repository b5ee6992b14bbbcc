package encode

import (
	"fmt"
	"io"
	"slices"

	"github.com/recsyskit/recsys/internal/envelope"
)

const (
	kind    = "target-statistics"
	version = 1
)

// What can be wrong with a file; the errors of Load and ReadFrom wrap one of them.
var (
	ErrKind      = envelope.ErrKind      // not a file of this module, or one of another kind
	ErrNewer     = envelope.ErrNewer     // written by a later version of this module
	ErrTruncated = envelope.ErrTruncated // the file ends too early
	ErrCorrupt   = envelope.ErrCorrupt   // a checksum does not hold, or the contents contradict each other
)

// Save writes t to the file path, whole or not at all.
func (t *Target) Save(path string) error {
	if err := envelope.WriteFile(path, t); err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	return nil
}

// Load reads what [Target.Save] wrote. Its error names the file and wraps ErrKind, ErrNewer,
// ErrTruncated or ErrCorrupt, or what the operating system reported. The Target is not bound.
func Load(path string) (*Target, error) {
	t := new(Target)
	if err := envelope.ReadFile(path, t); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return t, nil
}

// WriteTo writes t to w and returns the number of bytes.
func (t *Target) WriteTo(w io.Writer) (int64, error) {
	e := envelope.NewWriter(w, kind, version, 0)
	e.WriteStrings("id_columns", t.idColumns)
	e.WriteStrings("heads", t.heads)
	counts := uint8(0)
	if t.counts {
		counts = 1
	}
	envelope.WriteValue(e, "counts", counts)
	envelope.Write(e, "prior", t.prior)
	var columns, ends []int32 // of the keys, one after the other
	var sizes []uint64
	for i := range t.keys {
		k := &t.keys[i]
		for _, j := range k.columns {
			columns = append(columns, int32(j))
		}
		ends, sizes = append(ends, int32(len(columns))), append(sizes, uint64(len(k.codes)))
	}
	envelope.Write(e, "key_columns", columns)
	envelope.Write(e, "key_ends", ends)
	envelope.Write(e, "key_sizes", sizes)
	for i := range t.keys {
		envelope.Write(e, "codes", t.keys[i].codes)
		envelope.Write(e, "values", t.keys[i].values)
	}
	return e.Close()
}

// ReadFrom makes t what r holds, and returns the number of bytes read. It must not run while t is
// in use. On an error t stays as it was; the error wraps ErrKind, ErrNewer, ErrTruncated, ErrCorrupt
// or r's error. Memory grows with the bytes that r holds, whatever they say.
func (t *Target) ReadFrom(r io.Reader) (int64, error) {
	e := envelope.NewReader(r, kind, version)
	var in Target
	in.idColumns, in.heads = e.ReadStrings("id_columns"), e.ReadStrings("heads")
	in.counts = envelope.ReadValue[uint8](e, "counts") != 0
	in.prior = envelope.ReadN[float32](e, "prior", len(in.heads))
	columns := envelope.Read[int32](e, "key_columns")
	ends := envelope.Read[int32](e, "key_ends")
	sizes := envelope.ReadN[uint64](e, "key_sizes", len(ends))
	if e.Err() == nil {
		if reason := in.shape(columns, ends, sizes); reason != "" {
			e.Fail(reason)
		}
	}
	for i := range in.keys {
		if e.Err() != nil {
			break
		}
		k := &in.keys[i]
		codes := envelope.ReadN[uint64](e, "codes", int(sizes[i]))
		k.values = envelope.ReadN[float32](e, "values", len(codes)*in.width())
		if e.Err() == nil && !ascending(codes) {
			e.Fail(fmt.Sprintf("the codes of key %d are not in ascending order", i))
		}
		if e.Err() == nil && !finite(k.values) {
			e.Fail(fmt.Sprintf("a value of key %d is not finite", i))
		}
		k.codes = codes
	}
	n, err := e.Close()
	if err != nil {
		return n, fmt.Errorf("target statistics: %w", err)
	}
	for i := range in.keys {
		in.keys[i].table = newTable(in.keys[i].codes)
	}
	*t = in
	return n, nil
}

// shape makes the keys, without what they hold, and returns what is wrong with them, or "".
func (t *Target) shape(columns, ends []int32, sizes []uint64) string {
	names := slices.Concat(t.idColumns, t.heads)
	switch {
	case slices.Contains(names, ""):
		return "a name is empty"
	case doubled(t.idColumns) || doubled(t.heads):
		return "a name comes twice"
	case t.width() == 0 || len(ends) == 0:
		return "there is nothing to encode"
	case !finite(t.prior):
		return "a mean is not finite"
	}
	from := int32(0)
	for i, to := range ends {
		if to <= from || int(to) > len(columns) {
			return fmt.Sprintf("key %d ends at %d of %d columns", i, to, len(columns))
		}
		if sizes[i] > 1<<31-1 {
			return fmt.Sprintf("key %d has %d codes", i, sizes[i])
		}
		var k key
		for _, j := range columns[from:to] {
			if j < 0 || int(j) >= len(t.idColumns) {
				return fmt.Sprintf("key %d reads column %d of %d", i, j, len(t.idColumns))
			}
			k.columns = append(k.columns, int(j))
		}
		t.keys = append(t.keys, k)
		from = to
	}
	if int(from) != len(columns) {
		return fmt.Sprintf("%d columns of no key", len(columns)-int(from))
	}
	if doubled(t.Names()) {
		return "two keys have one name"
	}
	return ""
}

func doubled(names []string) bool {
	names = slices.Sorted(slices.Values(names))
	return len(slices.Compact(names)) != len(names)
}

func ascending(codes []uint64) bool {
	for i := 1; i < len(codes); i++ {
		if codes[i] <= codes[i-1] {
			return false
		}
	}
	return true
}

func finite(values []float32) bool {
	for _, v := range values {
		if v-v != 0 {
			return false
		}
	}
	return true
}
