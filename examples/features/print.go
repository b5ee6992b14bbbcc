package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

// print writes a line for each view and column, then the result.
func (s *study) print(w io.Writer) error {
	j := &s.judged
	for i := range j.views {
		f, st := &j.views[i], s.stats[i]
		text := fmt.Sprintf("view %-5s %8d rows served: lag p50 %5.1f s, p90 %5.1f s, p99 %5.1f s; %4.1f %% stale, %4.1f %% missing; %d keys, %d events late",
			f.name, f.rows, quantile(f.lags, .5), quantile(f.lags, .9), quantile(f.lags, .99), 100*part(f.stale, f.rows), 100*part(f.missing, f.rows), st.Aggregates.Keys, j.late[i])
		err := s.line(w, text, cli.Object{
			cli.F("event", "view"), cli.F("view", f.name), cli.F("rows", f.rows), cli.F("lag_p50_s", quantile(f.lags, .5)), cli.F("lag_p90_s", quantile(f.lags, .9)),
			cli.F("lag_p99_s", quantile(f.lags, .99)), cli.F("lag_max_s", quantile(f.lags, 1)), cli.F("stale", part(f.stale, f.rows)), cli.F("missing", part(f.missing, f.rows)),
			cli.F("keys", st.Aggregates.Keys), cli.F("late", j.late[i]), cli.F("stored", s.stores[i].Len()),
		})
		if err != nil {
			return err
		}
	}
	for i := range j.skew {
		c := &j.skew[i]
		text := fmt.Sprintf("%-5s %-14s %6.2f %% of %d values differ from the batch; PSI %.4f: %v", c.view, c.Name, 100*c.Mismatch, c.rows, c.PSI, c.Verdict)
		if c.KS == c.KS {
			text += fmt.Sprintf(" (the largest by %.4g; KS %.4f)", c.MaxDiff, c.KS)
		}
		err := s.line(w, text, cli.Object{
			cli.F("event", "column"), cli.F("view", c.view), cli.F("column", c.Name), cli.F("values", c.rows), cli.F("mismatch", c.Mismatch),
			cli.F("max_difference", c.MaxDiff), cli.F("psi", c.PSI), cli.F("ks", c.KS), cli.F("verdict", c.Verdict.String()),
		})
		if err != nil {
			return err
		}
	}
	micros := slices.Sorted(slices.Values(s.micros))
	lags := j.views[0].lags
	rate := float64(s.counted+s.again) / max(1e-9, s.took.Seconds())
	text := fmt.Sprintf(`
%d lines, %d events, %d doubled, %d malformed, %d of the future; %d requests, p50 %.0f µs, p99 %.0f µs; %.0f events/s with three views
%s
item rows were %.1f s old in the median, %.1f s at p99; %.2f %% of all served values that do not decay differ from a batch`,
		j.counts.Lines, j.counts.Events, j.counts.Doubled, j.counts.Bad, j.counts.Future, len(s.served), quantile(micros, .5), quantile(micros, .99), rate,
		s.crashText(), quantile(lags, .5), quantile(lags, .99), 100*j.mismatch())
	return s.line(w, text, cli.Object{
		cli.F("lines", j.counts.Lines), cli.F("events", j.counts.Events), cli.F("doubled", j.counts.Doubled), cli.F("bad", j.counts.Bad), cli.F("future", j.counts.Future),
		cli.F("late", j.late[0]), cli.F("requests", len(s.served)), cli.F("p50_us", quantile(micros, .5)), cli.F("p99_us", quantile(micros, .99)),
		cli.F("events_per_s", rate), cli.F("crashes", s.crashes), cli.F("restored", s.restored), cli.F("repeated", s.again),
		cli.F("lag_p50_s", quantile(lags, .5)), cli.F("lag_p90_s", quantile(lags, .9)), cli.F("lag_p99_s", quantile(lags, .99)), cli.F("mismatch", j.mismatch()),
	})
}

// crashText says what became of the crash.
func (s *study) crashText() string {
	if s.crashes == 0 {
		return "no crash"
	}
	return fmt.Sprintf("crashed after %d events: %d events came again from the checkpoint, %d rows of the lost stores were written anew", s.o.crash, s.again, s.restored)
}

func part(n, of int) float64 { return float64(n) / float64(max(1, of)) }

func (s *study) line(w io.Writer, text string, o cli.Object) error {
	if s.o.json {
		return cli.WriteJSON(w, o)
	}
	_, err := fmt.Fprintln(w, text)
	return err
}
