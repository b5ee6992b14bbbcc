package redis

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/internal/row"
)

// Config says where a [Store] is and what it holds. Client and View are required.
type Config struct {
	// Client is how to reach Redis: addresses, Sentinel, TLS, credentials, as rueidis takes them. A client that finds a cluster is
	// one of a cluster. DisableRetry, DisableCache and what belongs to client tracking are set here; a Dialer.Timeout of 0
	// becomes 1 s, a ConnWriteTimeout of 0 becomes 3 s.
	Client rueidis.ClientOption

	// Lazy makes Open return without waiting for Redis, so that a service can start before it. Until a connection is there, calls
	// return the error of the last attempt, and the breaker decides when there is another; a pipeline serves defaults and
	// says so. The default false means that Open returns an error when Redis does not answer.
	Lazy bool

	// View defines the rows.
	View features.View

	// Prefix comes first in every key, to keep apart what shares a server, as in "shop:". The default is none.
	Prefix string

	// Half stores floats and vector elements in two bytes instead of four: 11 bits of precision, magnitudes from 6e-8 to
	// 65504; what is beyond is refused at write. It is part of the row, not of the key: rows of both kinds are read.
	Half bool

	// Timeout is how long a call waits that comes without a deadline. The default 0 means 2 s.
	Timeout time.Duration

	// Breaker is the circuit breaker of the reads, and one like it of the writes.
	Breaker Breaker

	// Near is the near-cache. The default is none.
	Near Near

	// Report, if not nil, is called with each value that was found under a key of the view and is no row of it. It must be
	// quick and safe for concurrent use.
	Report func(*ValueError)

	// Clock tells which event times of writes lie in the future. The default is time.Now. The breaker and the near-cache go by the machine's clock,
	// so that a log of the past can be replayed under a clock of its own.
	Clock func() time.Time
}

// Store is an online feature store in Redis: one string per row of a view. It is safe for concurrent use. The
// package's doc says what it promises. Mark it [recsys.Remote] in a pipeline:
//
//	recsys.Features(store, recsys.Remote(10*time.Millisecond))
//
// Reading n rows is one MGET, or one for each slot in a cluster, of which all run at once. It allocates the text of the keys, beside what the client
// does. With a near-cache, rows that are there cost a look-up and a copy, no network and no allocation.
type Store struct {
	*core
	keys features.Keys
}

// core is what bound stores share.
type core struct {
	config  Config
	view    features.View
	codec   *row.Codec
	serving *serving
	space   keyspace
	reads   link
	writes  link
	near    *near
	pool    sync.Pool // of *scratch
	fetcher func(ctx context.Context, keys []uint64, dst []value) error
	counts  counts
}

var (
	_ features.OnlineStore                = (*Store)(nil)
	_ recsys.Overwriter                   = (*Store)(nil)
	_ recsys.RemoteCaller                 = (*Store)(nil)
	_ recsys.Versioned                    = (*Store)(nil)
	_ recsys.Binder[recsys.FeatureSource] = (*Store)(nil)
)

// Open connects, unless config is Lazy, and returns a store. The error names every mistake of the configuration, or says why Redis does not answer. What a
// store of an older version of the view has written stays where it is: under other keys.
func Open(config Config) (*Store, error) {
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("redis: store: %w", err)
	}
	c := &core{config: config, view: config.View, serving: newServing(&config.View)}
	var err error
	if c.codec, err = newCodec(&c.view, config.Half); err != nil {
		return nil, fmt.Errorf("redis: store: %w", err)
	}
	if c.space, err = newKeyspace(config.Prefix, c.view.Name, c.view.RowHash()); err != nil {
		return nil, fmt.Errorf("redis: store: %w", err)
	}
	var invalidated func([]rueidis.RedisMessage)
	if config.Near.Bytes > 0 {
		c.near = newNear(config.Near)
		invalidated = c.invalidate
	}
	session, err := newSession(config.Client, config.Lazy, invalidated)
	if err != nil {
		return nil, fmt.Errorf("redis: store of view %q: %w", c.view.Name, err)
	}
	c.reads = link{session, newBreaker(config.Breaker, time.Now), config.Timeout}
	c.writes = c.reads
	c.writes.breaker = newBreaker(config.Breaker, time.Now)
	c.fetcher = c.verified
	s := &Store{core: c}
	if c.view.Entity != features.Context {
		s.keys, err = c.view.Keys(nil)
	}
	return s, err
}

func (c *Config) check() error {
	errs := []error{c.View.Validate(), c.Breaker.check(), c.Near.check()}
	if c.Timeout < 0 {
		errs = append(errs, fmt.Errorf("the Timeout is %v; want > 0, or 0 for 2s", c.Timeout))
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return errors.Join(errs...)
}

// invalidate is called by the client for keys that have changed, and with nil when all may have.
func (c *core) invalidate(keys []rueidis.RedisMessage) {
	if keys == nil {
		c.near.flush()
		return
	}
	for i := range keys {
		if name, err := keys[i].ToString(); err == nil {
			if key, ok := c.space.parse(name); ok {
				c.near.drop(key)
			}
		}
	}
}

// View returns the definition of the rows. It is read-only.
func (s *Store) View() *features.View { return &s.view }

// Columns returns the columns that Hydrate writes: those of the view, then the one that View.Age names.
func (s *Store) Columns() []recsys.Column { return s.serving.columns }

// Overwrites returns true: Hydrate writes every cell itself.
func (s *Store) Overwrites() bool { return true }

// CallsRemote returns true: a pipeline takes it with [recsys.Remote] only.
func (s *Store) CallsRemote() bool { return true }

// WritesAges returns true: the blocks get the age of every row.
func (s *Store) WritesAges() bool { return true }

// Version returns the hash of the view.
func (s *Store) Version() string { return fmt.Sprintf("%016x", s.view.Hash()) }

// FeatureViews returns the view that is served.
func (s *Store) FeatureViews() []recsys.FeatureView {
	return []recsys.FeatureView{s.view.FeatureView()}
}

// Bind finds the request's column that is the key of a view of the entity Context; for other views it returns the
// store as it is. The bound store shares everything with s.
func (s *Store) Bind(schema *recsys.Schema) (recsys.FeatureSource, error) {
	if s.view.Entity != features.Context {
		return s, nil
	}
	keys, err := s.view.Keys(schema)
	if err != nil {
		return nil, err
	}
	return &Store{core: s.core, keys: keys}, nil
}

// Close closes the connections; calls that wait get an error, as do later ones. A pipeline that is closed closes its stores. Closing
// twice, or from several goroutines, is no error. Where a server does not answer it takes up to a second for each connection.
func (s *Store) Close() error {
	s.reads.close()
	return nil
}

// scratch is the memory of a call.
type scratch struct {
	keys   []uint64
	values []value
	near   nearBatch

	names    []string
	text     []byte
	order    []uint64
	group    []string
	commands []rueidis.Completed
	indexes  [][]uint64
}

func (c *core) scratch() *scratch {
	if s, _ := c.pool.Get().(*scratch); s != nil {
		return s
	}
	return new(scratch)
}

// release gives memory back, without what it points to.
func (c *core) release(s *scratch) {
	clear(s.values)
	clear(s.names)
	clear(s.group)
	clear(s.commands)
	clear(s.indexes)
	clear(s.near.own)
	clear(s.near.other)
	clear(s.near.got)
	c.pool.Put(s)
}

// counts are what a store counts.
type counts struct {
	fresh, stale, missing, expired, future, foreign, version atomic.Uint64
	stored, late, ahead, refused, replaced                   atomic.Uint64
	failedReads, failedWrites                                atomic.Uint64
}
