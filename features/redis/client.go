package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/rueidis"
)

// clientOptions returns the caller's options, completed. invalidated, if not nil, gets the keys that changed, nil for all.
func clientOptions(options rueidis.ClientOption, invalidated func([]rueidis.RedisMessage)) (rueidis.ClientOption, error) {
	var err error
	switch {
	case len(options.InitAddress) == 0:
		err = errors.New(`no Client.InitAddress; want the address of a server, as in "127.0.0.1:6379"`)
	case options.OnInvalidations != nil || options.ClientTrackingOptions != nil:
		err = errors.New("the option Client.OnInvalidations or ClientTrackingOptions is set; they are the near-cache's, see Near")
	case invalidated != nil && options.AlwaysRESP2:
		err = errors.New("the option Client.AlwaysRESP2 is set; the near-cache needs RESP3")
	case options.SendToReplicas != nil || options.ReplicaOnly:
		err = errors.New("the client reads from replicas; want the master: a replica may not have a row that was just written")
	}
	options.DisableRetry = true // within a deadline of milliseconds the fallback is better than another try
	options.DisableCache = invalidated == nil
	if invalidated != nil {
		options.OnInvalidations = invalidated
		options.ClientTrackingOptions = []string{} // track whatever is read
		options.NewCacheStoreFn = noCache
	}
	if options.Dialer.Timeout == 0 {
		options.Dialer.Timeout = time.Second
	}
	if options.ConnWriteTimeout == 0 {
		options.ConnWriteTimeout = 3 * time.Second
	}
	return options, err
}

// noCache stands in for the client's own cache, which is not used.
func noCache(rueidis.CacheStoreOption) rueidis.CacheStore {
	return rueidis.NewSimpleCacheAdapter(emptyCache{})
}

type emptyCache struct{}

func (emptyCache) Get(string) rueidis.RedisMessage  { return rueidis.RedisMessage{} }
func (emptyCache) Set(string, rueidis.RedisMessage) {}
func (emptyCache) Del(string)                       {}
func (emptyCache) Flush()                           {}

// link is a client behind a breaker.
type link struct {
	*session
	breaker *breaker
	timeout time.Duration
}

// begin asks the breaker, gives the call a deadline if it has none, and sees to it that there is a client. When it returns no error, end
// and cancel are to be called.
func (l *link) begin(ctx context.Context) (context.Context, context.CancelFunc, bool, error) {
	if err := ctx.Err(); err != nil {
		return ctx, nil, false, err
	}
	probe, err := l.breaker.enter()
	if err != nil {
		return ctx, nil, false, err
	}
	cancel := func() {}
	if _, ok := ctx.Deadline(); !ok {
		ctx, cancel = context.WithTimeout(ctx, l.timeout)
	}
	if err := l.session.open(ctx); err != nil {
		err = l.end(ctx, probe, err)
		cancel()
		return ctx, nil, false, err
	}
	return ctx, cancel, probe, nil
}

// end tells the breaker and returns the error of the call.
func (l *link) end(ctx context.Context, probe bool, err error) error {
	l.breaker.leave(probe, err)
	if err == nil {
		return nil
	}
	if cause := ctx.Err(); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

// perCommand is the most keys of one MGET, and perScript the most rows of one script, so that no command keeps the
// server from others for long; perRound is the most rows that are written before the answers are waited for.
const (
	perCommand = 1024
	perScript  = 64
	perRound   = 1024
)

// groups cuts the keys into groups that one command may name: of one slot in a cluster, of at most n keys. It
// calls f with the indexes of each group, in which the order of keys is kept.
func (l *link) groups(names []string, scratch []uint64, n int, f func(indexes []uint64)) []uint64 {
	scratch = scratch[:0]
	cluster := l.cluster()
	for i, name := range names {
		at := uint64(i)
		if cluster {
			at |= uint64(slotOf(name)) << 32
		}
		scratch = append(scratch, at)
	}
	if cluster {
		slices.Sort(scratch)
	}
	for rest := scratch; len(rest) > 0; {
		end := 1
		for end < len(rest) && end < n && rest[end]>>32 == rest[0]>>32 {
			end++
		}
		f(rest[:end])
		rest = rest[end:]
	}
	return scratch
}
