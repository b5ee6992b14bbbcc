package recsys

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"
)

// LogRecord is one record of a log: an exposure or a feedback, the other is nil. It is the caller's.
type LogRecord struct {
	Exposure *Exposure
	Feedback *Feedback

	File string // as it was opened
	Line int    // from 1
}

// Time returns the event time: Exposure.Now or Feedback.Time.
func (r LogRecord) Time() time.Time {
	switch {
	case r.Exposure != nil:
		return r.Exposure.Now
	case r.Feedback != nil:
		return r.Feedback.Time
	}
	return time.Time{}
}

// LogError says where a log is not as it should be.
type LogError struct {
	File  string
	Line  int    // from 1; 0 when the file as a whole is meant
	Field string // "rows[3].floats"; may be empty
	Err   error  // a [*VersionError], [ErrLineTooLong], an error of the file, or what is wrong with the line
}

// Error prints file:line: field: cause.
func (e *LogError) Error() string {
	at := "recsys: log " + e.File
	if e.Line > 0 {
		at += fmt.Sprintf(":%d", e.Line)
	}
	if e.Field != "" {
		at += ": " + e.Field
	}
	return at + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *LogError) Unwrap() error { return e.Err }

// ErrLineTooLong is the cause of a [*LogError] for a line beyond [LogReader].MaxLine.
var ErrLineTooLong = errors.New("line is too long")

// LogReader reads records in the order in which they stand in one or several files.
// The exported fields may be set before the first call of Next. A reader is not safe
// for concurrent use.
//
// The last line of a file may be torn: the writer was killed in the middle of it. It is
// skipped and counted, and so is the last line of a file that is still being written. A
// line is torn when it has no newline at its end and is no complete JSON; a complete
// record that lacks but its newline counts. Any other line that cannot be read is an
// error that names file, line and field. Empty lines are skipped.
type LogReader struct {
	// MaxLine bounds the length of a line in bytes, and with it the memory of one
	// record. Zero means 16 MiB.
	MaxLine int

	// SkipCorrupt skips and counts lines that cannot be read, and the rest of a
	// gzip file that breaks off, in place of an error. Records of a newer format and
	// errors of the file system are errors all the same.
	SkipCorrupt bool

	paths []string // still to be opened
	file  io.Closer
	in    *bufio.Reader
	name  string
	line  int
	buf   []byte // of a line longer than in's buffer
	dec   *logDecoder
	stats LogStats
	err   error // sticks
}

// LogStats counts what a [LogReader] has read.
type LogStats struct {
	Exposures, Feedback, Schemas int

	Torn    int   // last lines that were cut short
	Corrupt int   // lines and broken gzip files that SkipCorrupt skipped
	Bytes   int64 // of lines, after decompression
}

// OpenLog returns a reader of the files, one after the other. A file that is compressed
// with gzip, whatever its name, is read as what it holds. The error joins one
// [*LogError] for each file that cannot be opened. Close the reader after use;
// [LogFiles] lists the files of a [FileSink].
func OpenLog(paths ...string) (*LogReader, error) {
	var errs []error
	for _, path := range paths {
		if err := checkFile(path); err != nil {
			errs = append(errs, &LogError{File: path, Err: err})
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &LogReader{paths: append([]string(nil), paths...)}, nil
}

func checkFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || st.IsDir() {
		return errors.Join(err, errors.New("is a directory"))
	}
	return nil
}

// NewLogReader returns a reader of in, plain or compressed with gzip, which errors call name.
func NewLogReader(name string, in io.Reader) *LogReader {
	r := new(LogReader)
	r.err = r.start(name, in)
	return r
}

// Next returns the next record. At the end the error is [io.EOF], else it is a
// [*LogError]; from then on every call returns the same.
func (r *LogReader) Next() (LogRecord, error) {
	if r.dec == nil {
		if r.MaxLine <= 0 {
			r.MaxLine = 16 << 20
		}
		r.dec = newLogDecoder(r.MaxLine)
	}
	for r.err == nil {
		if r.in == nil {
			r.err = r.open()
			continue
		}
		if rec, ok := r.read(); ok {
			return rec, nil
		}
	}
	return LogRecord{}, r.err
}

// All returns an iterator over the records that are left. An error comes as the last
// pair, with an empty record.
func (r *LogReader) All() iter.Seq2[LogRecord, error] {
	return func(yield func(LogRecord, error) bool) {
		for {
			rec, err := r.Next()
			if err == io.EOF || !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// Stats returns the counts so far.
func (r *LogReader) Stats() LogStats { return r.stats }

// Close closes the open file. Next then returns [os.ErrClosed], unless it had ended before.
func (r *LogReader) Close() error {
	if r.err == nil {
		r.err = os.ErrClosed
	}
	r.paths = nil
	return r.leave()
}

// open goes on to the next file.
func (r *LogReader) open() error {
	if len(r.paths) == 0 {
		return io.EOF
	}
	path := r.paths[0]
	r.paths = r.paths[1:]
	f, err := os.Open(path)
	if err != nil {
		return &LogError{File: path, Err: err}
	}
	r.file = f
	return r.start(path, f)
}

// start begins to read in. What gzip writes begins with two bytes that no JSON begins with.
func (r *LogReader) start(name string, in io.Reader) error {
	r.name, r.line = name, 0
	r.in = bufio.NewReaderSize(in, 64<<10)
	if head, _ := r.in.Peek(2); !bytes.Equal(head, []byte{0x1f, 0x8b}) {
		return nil
	}
	z, err := gzip.NewReader(r.in)
	if err != nil {
		return r.broken(err)
	}
	r.in = bufio.NewReaderSize(z, 64<<10)
	return nil
}

// leave ends the current file.
func (r *LogReader) leave() error {
	r.in = nil
	if r.file == nil {
		return nil
	}
	f := r.file
	r.file = nil
	return f.Close()
}

// broken judges an error of reading.
func (r *LogReader) broken(err error) error {
	line := r.line
	if line > 0 {
		line++
	}
	if damaged := err == io.ErrUnexpectedEOF || err == gzip.ErrHeader || err == gzip.ErrChecksum || errors.As(err, new(flate.CorruptInputError)); damaged && r.SkipCorrupt {
		r.stats.Corrupt++
		return r.ended()
	}
	return &LogError{File: r.name, Line: line, Err: err}
}

// ended closes a file that was read to its end.
func (r *LogReader) ended() error {
	if err := r.leave(); err != nil {
		return &LogError{File: r.name, Err: err}
	}
	return nil
}

// read reads one line; ok says that it held a record for the caller.
func (r *LogReader) read() (rec LogRecord, ok bool) {
	line, whole, err := r.readLine()
	r.stats.Bytes += int64(len(line))
	if err == nil && len(bytes.TrimSpace(line)) > 0 {
		rec, ok = r.decode(line, whole)
	} else if errors.Is(err, ErrLineTooLong) {
		r.corrupt("", err)
	} else if err != nil {
		r.err = r.broken(err)
		return rec, false
	}
	if !whole && r.err == nil {
		r.err = r.ended()
	}
	return rec, ok
}

func (r *LogReader) decode(line []byte, whole bool) (rec LogRecord, ok bool) {
	field, err := r.dec.decode(line, &rec)
	switch {
	case err != nil && !whole && !isJSON(line):
		r.stats.Torn++
	case err != nil:
		r.corrupt(field, err)
	case rec.Exposure != nil:
		r.stats.Exposures++
	case rec.Feedback != nil:
		r.stats.Feedback++
	default:
		r.stats.Schemas++
	}
	rec.File, rec.Line = r.name, r.line
	return rec, rec.Exposure != nil || rec.Feedback != nil
}

// corrupt counts a bad line, or makes it the error.
func (r *LogReader) corrupt(field string, err error) {
	if version := (*VersionError)(nil); r.SkipCorrupt && !errors.As(err, &version) {
		r.stats.Corrupt++
		return
	}
	r.err = &LogError{File: r.name, Line: r.line, Field: field, Err: err}
}

// readLine returns the next line; whole says that it ends with a newline. The end of
// the file is an empty line that is not whole. A line that is too long is read to its
// end, without being kept.
func (r *LogReader) readLine() (line []byte, whole bool, err error) {
	r.buf = r.buf[:0]
	long := false
	for {
		part, err := r.in.ReadSlice('\n')
		if len(r.buf)+len(part) > r.MaxLine+1 {
			long, r.buf = true, r.buf[:0]
		}
		if err == nil || err == io.EOF {
			whole = err == nil
			if whole || len(part) > 0 || len(r.buf) > 0 || long {
				r.line++
			}
			if long {
				return nil, whole, fmt.Errorf("%w: more than %d bytes (LogReader.MaxLine)", ErrLineTooLong, r.MaxLine)
			}
			if len(r.buf) == 0 {
				return part, whole, nil
			}
			r.buf = append(r.buf, part...)
			return r.buf, whole, nil
		}
		if err != bufio.ErrBufferFull {
			return nil, false, err
		}
		if !long {
			r.buf = append(r.buf, part...)
		}
	}
}

func isJSON(line []byte) bool {
	var s jsonScanner
	s.reset(line)
	s.skip()
	s.end()
	return s.err == nil
}
