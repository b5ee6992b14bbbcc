package gbdt

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/lightgbm"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/xgboost"
)

// FileError says what is wrong with a model file of another library, and where.
type FileError = tree.FileError

// UnsupportedError names something that a model uses and this package does not compute: it is
// refused rather than scored wrongly.
type UnsupportedError = tree.UnsupportedError

// ErrTooLarge is wrapped by the error for a file of more than [Options].MaxBytes.
var ErrTooLarge = errors.New("model file is too large")

// AllRounds and BestRounds are values of [Options].Rounds.
const (
	AllRounds  = 0
	BestRounds = -1
)

// Options say how a model file is read. The zero value takes everything as the file has it.
type Options struct {
	// Heads names the predictions: one name, or one for each class. Nil: the names of our own
	// files; for others "score", for several outputs "class0", "class1" and so on, and
	// "class" where the model predicts the number of the class (multi:softmax). A
	// name that is missing or too many is an error.
	Heads []string

	// Features names all features by position, for files that have none or generated ones
	// (Column_0, f0). Nil: the names of the file. A name that is missing or too many is an error.
	Features []string
	// Rename gives features other names, by the name that the file has, before Features
	// counts. A name that the file does not have is an error.
	Rename map[string]string
	// Categories gives categorical features a vocabulary, by their name in the model: category
	// c stands for the ID Categories[name][c], so that the feature binds to an ID
	// column. A vocabulary given here replaces one that the file has.
	//
	// Sources write the ID 0 where they have no value. If a vocabulary has that ID, a row which its
	// source marks as missing is missing, and any other row with the ID 0 is that category: also one of a
	// known item of which this one value is not known, and one of a Dataset, which marks
	// nothing. Give categories IDs from 1 on where that matters.
	Categories map[string][]uint64

	// Pandas gives the categorical features of a file the vocabularies that the library has left in it, in
	// training on a data frame with columns of dtype category: LightGBM's Python package, and XGBoost from
	// 3.1 on. A whole number is the ID itself, other text stands for its [recsys.HashID], as
	// [ranking.ReadCSV] has it. Categories counts after it. Without Pandas a category is its number in the
	// file, as it is where training data held numbers.
	Pandas bool

	// IDsAreCategories says that the IDs of categorical features without a vocabulary are the numbers of their
	// categories, below 2^24, so that they may stand in ID columns. Without it Bind and Predict refuse such a
	// column: IDs are as a rule hashes of text, all of which no tree would know, and every row would get one
	// score. A Float column with the numbers is taken either way.
	IDsAreCategories bool

	// Rounds is the number of rounds that count: AllRounds (0), BestRounds (those up to the
	// best iteration that the file names, all if it names none), or a number up to that of
	// the file. LightGBM saves the best ones only; XGBoost saves all, and its
	// Booster.predict takes all, while its scikit-learn classes take the best.
	Rounds int

	// Missing lists values that count as missing, besides NaN: XGBoost's parameter missing,
	// which its files do not keep. They are compared as float32, in all features.
	Missing []float64

	// Strict makes Bind refuse a schema with a float column of items that the model does not
	// read, and name it: for teams who want the columns of training, no more and no less. A column
	// that no tree reads is one of training if the model has a feature of its name: with SkipUnused it may
	// be there or not.
	Strict bool
	// SkipUnused lets features be absent from the schema that no tree reads. Without it each
	// feature of the file needs its column.
	SkipUnused bool

	// MaxBytes bounds the size of the file, unpacked, >= 0; 0 means 4 GiB.
	MaxBytes int64

	// Name stands for the input in errors of Read; empty means "model". Load takes the path.
	Name string
}

// Load reads a model from a file; see [Read]. Its error names the file.
func Load(path string, o Options) (*Model, error) {
	o.Name = path
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("gbdt: %w", err)
	}
	defer file.Close()
	return Read(file, o)
}

// Read reads a model: our own file, LightGBM's text (versions 2 to 4) or JSON dump, XGBoost's JSON or
// UBJSON, each also packed by gzip. It tells them apart by content.
//
// The error names the input. It wraps a [*FileError] with the place, an [*UnsupportedError], for
// our own files [ErrNewer], [ErrTruncated] or [ErrCorrupt], [ErrTooLarge], or r's error; or it says
// which of the options does not fit the file. Memory is a multiple of the bytes that r
// holds, whatever they say: a small one, for hostile JSON up to a hundred. Beyond it, sets of categories that JSON and
// UBJSON name by number may take 256 MB and tables made of them four times that, and the features of an XGBoost file without
// names, a million at most, 300 MB. The model is not bound.
func Read(r io.Reader, o Options) (*Model, error) {
	if o.Name == "" {
		o.Name = "model"
	}
	m, err := read(r, &o)
	if err != nil {
		return nil, fmt.Errorf("gbdt: %s: %w", o.Name, err)
	}
	return m, nil
}

func read(r io.Reader, o *Options) (*Model, error) {
	if o.MaxBytes < 0 {
		return nil, fmt.Errorf("Options.MaxBytes is %d; want >= 0 (0 means 4 GiB)", o.MaxBytes)
	}
	data, err := readAll(r, o.MaxBytes)
	if err != nil {
		return nil, err
	}
	m, err := parse(data)
	if err != nil {
		return nil, err
	}
	if o.Pandas {
		if err := m.frame(data); err != nil {
			return nil, err
		}
	}
	if err := m.apply(o); err != nil {
		return nil, err
	}
	m.finish()
	return m, nil
}

// readAll reads r to its end, unpacked.
func readAll(r io.Reader, most int64) ([]byte, error) {
	if most == 0 {
		most = 4 << 30
	}
	size := int64(0)
	if f, ok := r.(*os.File); ok {
		if st, err := f.Stat(); err == nil && st.Mode().IsRegular() {
			size = st.Size()
		}
	}
	data, err := limited(r, size, most)
	if err != nil || !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return data, err
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err == nil {
		data, err = limited(z, min(4*int64(len(data)), most), most) // about as much, which is no reason to refuse it
	}
	if err != nil && !errors.Is(err, ErrTooLarge) {
		return nil, &FileError{Format: "gzip", Where: "the packed bytes", Reason: err.Error()}
	}
	return data, err
}

// limited reads at most most bytes, about size of them.
func limited(r io.Reader, size, most int64) ([]byte, error) {
	if size > most {
		return nil, fmt.Errorf("%w: %d bytes are more than MaxBytes, %d", ErrTooLarge, size, most)
	}
	var b bytes.Buffer
	b.Grow(int(min(size, 1<<30)) + bytes.MinRead)
	if _, err := b.ReadFrom(io.LimitReader(r, most+min(1, math.MaxInt64-most))); err != nil {
		return nil, err
	}
	if int64(b.Len()) > most {
		return nil, fmt.Errorf("%w: more bytes than MaxBytes, %d", ErrTooLarge, most)
	}
	return b.Bytes(), nil
}

// parse reads a file of any kind. What finish computes is not there yet.
func parse(data []byte) (*Model, error) {
	var f *tree.Forest
	var err error
	switch kind := detect(data); kind {
	case ownFile:
		m := new(Model)
		n, err := m.decode(bytes.NewReader(data))
		if err == nil && n < int64(len(data)) {
			err = fmt.Errorf("%w: %d bytes after the end", ErrCorrupt, int64(len(data))-n)
		}
		return m, err
	case lightgbmText:
		f, err = lightgbm.Read(data)
	case lightgbmJSON:
		f, err = lightgbm.ReadJSON(data)
	case xgboostJSON:
		f, err = xgboost.ReadJSON(data)
	case xgboostUBJSON:
		f, err = xgboost.ReadUBJSON(data) // refuses the old binary format by name
	default:
		err = unknown(data)
	}
	if err == nil && f.Outputs > 1<<10 && f.Outputs > len(f.Trees) {
		err = &FileError{Format: "model file", Where: "the model", Reason: fmt.Sprintf("%d classes and %d trees; want a tree for each class", f.Outputs, len(f.Trees))}
	}
	if err != nil {
		return nil, err
	}
	m := &Model{features: f.Features, vocab: make([][]uint64, len(f.Features)), heads: defaultHeads(f), unused: true, forests: []forest{{Forest: f}}}
	return m, nil
}

// defaultHeads names the predictions of a forest from a file.
func defaultHeads(f *tree.Forest) []string {
	switch {
	case f.Outputs == 1:
		return []string{"score"}
	case f.Link.Width(f.Outputs) == 1:
		return []string{"class"}
	}
	heads := make([]string, f.Outputs)
	for k := range heads {
		heads[k] = fmt.Sprintf("class%d", k)
	}
	return heads
}
