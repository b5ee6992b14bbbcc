package logged

import (
	"iter"

	"github.com/recsyskit/recsys"
)

// Source is a log that can be read from its beginning, more than once if there is a [Model].
type Source interface {
	// Records begins anew at the first record. An error comes as the last pair.
	Records() iter.Seq2[recsys.LogRecord, error]
}

// SourceFunc adapts a function to [Source], such as one that calls [recsys.MergeLogs].
type SourceFunc func() iter.Seq2[recsys.LogRecord, error]

// Records calls f.
func (f SourceFunc) Records() iter.Seq2[recsys.LogRecord, error] { return f() }

// FileLog is a log in files. It is not safe for concurrent use.
type FileLog struct {
	paths []string
	stats recsys.LogStats
}

// Files returns the log in the files, which are read one after the other, plain or gzip;
// [recsys.LogFiles] lists those of a sink. What cannot be opened is an error of Records.
// Feedback may stand in files of its own: it is joined by event time within
// [recsys.JoinerConfig].Lateness, so give logs of several processes to [recsys.MergeLogs] instead.
func Files(paths ...string) *FileLog { return &FileLog{paths: append([]string(nil), paths...)} }

// Records reads the files from the first on.
func (f *FileLog) Records() iter.Seq2[recsys.LogRecord, error] {
	return func(yield func(recsys.LogRecord, error) bool) {
		r, err := recsys.OpenLog(f.paths...)
		if err != nil {
			yield(recsys.LogRecord{}, err)
			return
		}
		for rec, err := range r.All() {
			if !yield(rec, err) {
				break
			}
		}
		f.stats = r.Stats()
		_ = r.Close() // the files were only read
	}
}

// Stats returns the counts of the last reading: records, and last lines that were torn.
func (f *FileLog) Stats() recsys.LogStats { return f.stats }
