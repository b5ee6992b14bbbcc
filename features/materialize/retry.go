package materialize

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/recsyskit/recsys/features"
)

// Retry says what happens when a store returns an error: the call is made again after a pause, which doubles each time.
// Rows that were written already are written again, which changes nothing. An error
// that a further try cannot mend, of a row or a view, ends the run at once.
type Retry struct {
	// Min is the first pause, Max the longest. The defaults 0 mean 50 ms and 10 s.
	Min, Max time.Duration

	// Timeout is how long a call may take before it is cancelled, which counts as an error. The default 0 means a minute, -1 for ever.
	Timeout time.Duration

	// Attempts is how often a call is made in all before its error ends the run. The default 0 means until the
	// context is done.
	Attempts int

	// Report is told each error after which the call is made again. It may be called from several goroutines. Nil: nobody is.
	Report func(error)

	// Wait replaces waiting: for tests, or to add chance to the pauses. It returns early with the error of ctx. Nil
	// waits for pause.
	Wait func(ctx context.Context, pause time.Duration) error
}

const (
	defaultRetryMin = 50 * time.Millisecond
	defaultRetryMax = 10 * time.Second
	defaultTimeout  = time.Minute
)

// withDefaults returns r with defaults filled in, or its mistakes.
func (r Retry) withDefaults() (Retry, []error) {
	var errs []error
	if r.Min < 0 {
		errs = append(errs, fmt.Errorf("materialize: Retry.Min is %v; want > 0, or 0 for %v", r.Min, defaultRetryMin))
	}
	if r.Min == 0 {
		r.Min = defaultRetryMin
	}
	if r.Max == 0 {
		r.Max = max(r.Min, defaultRetryMax)
	}
	if r.Max < r.Min {
		errs = append(errs, fmt.Errorf("materialize: Retry.Max is %v; want at least Retry.Min, %v", r.Max, r.Min))
	}
	switch {
	case r.Timeout == 0:
		r.Timeout = defaultTimeout
	case r.Timeout < -1:
		errs = append(errs, fmt.Errorf("materialize: Retry.Timeout is %v; want > 0, 0 for %v, or -1 for none", r.Timeout, defaultTimeout))
	}
	if r.Attempts < 0 {
		errs = append(errs, fmt.Errorf("materialize: Retry.Attempts is %d; want > 0, or 0 for no bound", r.Attempts))
	}
	if r.Wait == nil {
		r.Wait = wait
	}
	return r, errs
}

// wait returns after pause, or with the error of ctx when that is done before.
func wait(ctx context.Context, pause time.Duration) error {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// do calls f until it returns no error, and failed after each one that it returned.
func (r *Retry) do(ctx context.Context, f func(context.Context) error, failed func(error)) error {
	pause := r.Min
	for attempts := 1; ; attempts++ {
		if err := ended(ctx); err != nil {
			return err
		}
		err := r.once(ctx, f)
		if err == nil || permanent(err) {
			return err
		}
		if ctx.Err() != nil {
			return errors.Join(ended(ctx), err)
		}
		failed(err)
		if r.Attempts > 0 && attempts >= r.Attempts {
			return fmt.Errorf("after %d attempts: %w", attempts, err)
		}
		if r.Report != nil {
			r.Report(err)
		}
		if wait := r.Wait(ctx, pause); wait != nil {
			return errors.Join(wait, err)
		}
		pause = min(2*pause, r.Max)
	}
}

// once makes a call that ends in time.
func (r *Retry) once(ctx context.Context, f func(context.Context) error) error {
	if r.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.Timeout)
		defer cancel()
	}
	return f(ctx)
}

// ended returns nil while ctx is not done, then an error that wraps that of ctx and its cause.
func ended(ctx context.Context) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); cause != err {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}

// permanent reports whether another try would give the same error.
func permanent(err error) bool {
	var row *features.RowError
	return errors.As(err, &row) || errors.Is(err, features.ErrSchema)
}
