package features

import (
	"fmt"
	"io"

	"github.com/recsyskit/recsys/internal/envelope"
)

var (
	_ io.WriterTo   = (*Vocabulary)(nil)
	_ io.ReaderFrom = (*Vocabulary)(nil)
)

const (
	vocabularyKind    = "features.vocabulary"
	vocabularyVersion = 1
)

// WriteTo writes the strings in the order of their ids, so that ReadFrom gives
// them the same ids, and returns the number of bytes written. Strings that are
// added meanwhile are not written. The bytes depend on nothing but the strings.
func (v *Vocabulary) WriteTo(w io.Writer) (int64, error) {
	names := make([]string, v.Len())
	for id := range names {
		names[id] = *v.names.at(uint64(id))
	}
	e := envelope.NewWriter(w, vocabularyKind, vocabularyVersion, 0)
	e.WriteStrings("names", names)
	return e.Close()
}

// ReadFrom replaces the strings by those that WriteTo wrote, reads no byte behind
// them, and returns the number of bytes read. If it fails the vocabulary is as
// before; the error wraps [ErrKind], [ErrNewer], [ErrTruncated], [ErrCorrupt], the
// error of r, or [ErrVocabularyFull] if there are more strings than MaxSize. It
// must not run concurrently with another method.
func (v *Vocabulary) ReadFrom(r io.Reader) (int64, error) {
	limit, err := v.limit()
	if err != nil {
		return 0, err
	}
	e := envelope.NewReader(r, vocabularyKind, vocabularyVersion)
	names := e.ReadStrings("names")
	in := Vocabulary{}
	if e.Err() == nil && len(names) <= limit {
		if err := in.load(names); err != nil {
			e.Fail(err.Error())
		}
	}
	n, err := e.Close()
	switch {
	case err != nil:
		return n, fmt.Errorf("features: %w", err)
	case len(names) > limit:
		return n, fmt.Errorf("%w: the file has %d strings, MaxSize is %d", ErrVocabularyFull, len(names), limit)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.names = in.names
	v.arena.Reset() // the old names keep theirs
	v.n.Store(in.n.Load())
	v.table.Store(in.table.Load())
	return n, nil
}

// Save writes the strings to a file, as [Vocabulary.WriteTo] does. An old file is
// replaced when the new one is complete, and stays as it was when something fails.
func (v *Vocabulary) Save(path string) error { return envelope.WriteFile(path, v) }

// LoadVocabulary returns what [Vocabulary.Save] wrote; errors are those of
// [Vocabulary.ReadFrom], with the path.
func LoadVocabulary(path string) (*Vocabulary, error) {
	v := new(Vocabulary)
	if err := envelope.ReadFile(path, v); err != nil {
		return nil, err
	}
	return v, nil
}

// load enters the names into an empty vocabulary.
func (v *Vocabulary) load(names []string) error {
	v.table.Store((*vocabularyTable)(nil).grown(len(names)))
	for id, name := range names {
		if other, ok := v.ID(name); ok {
			return fmt.Errorf("the strings %d and %d are both %.40q", other, id, name)
		}
		v.enter(name)
	}
	return nil
}
