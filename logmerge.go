package recsys

import (
	"io"
	"iter"
	"time"
)

// MergeLogs returns an iterator over the records of several logs, as several processes
// write them, in the order of time: what a [Joiner] wants. The records of each log stay in
// their order. A log stands at its newest Exposure.Now so far, so that the clocks
// of clients, which feedback carries, do not hold it up; until it has an exposure, and so
// always if it holds feedback alone, at the time of the record that is next. Ties go to
// the reader that comes first. An error of any reader comes as the last pair. Each
// record costs a comparison per reader. The readers are the caller's to close.
func MergeLogs(readers ...*LogReader) iter.Seq2[LogRecord, error] {
	return func(yield func(LogRecord, error) bool) {
		heads := make([]mergeHead, 0, len(readers))
		for _, r := range readers {
			h := mergeHead{r: r}
			if ok, err := h.advance(); err != nil {
				yield(LogRecord{}, err)
				return
			} else if ok {
				heads = append(heads, h)
			}
		}
		for len(heads) > 0 {
			best := 0
			for i := range heads {
				if heads[i].at.Before(heads[best].at) {
					best = i
				}
			}
			if !yield(heads[best].rec, nil) {
				return
			}
			switch ok, err := heads[best].advance(); {
			case err != nil:
				yield(LogRecord{}, err)
				return
			case !ok:
				heads = append(heads[:best], heads[best+1:]...)
			}
		}
	}
}

// mergeHead is the next record of one log.
type mergeHead struct {
	r       *LogReader
	rec     LogRecord
	at      time.Time
	exposed bool // at is that of an exposure
}

func (h *mergeHead) advance() (ok bool, err error) {
	if h.rec, err = h.r.Next(); err == io.EOF {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	t := h.rec.Time()
	switch {
	case h.rec.Exposure == nil && h.exposed:
	case h.rec.Exposure != nil && h.exposed && t.Before(h.at):
	default:
		h.at, h.exposed = t, h.rec.Exposure != nil
	}
	return true, nil
}
