package redis

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"github.com/redis/rueidis"
)

// session is a client that is connected when it is first used, and whose calls end with their context: those also that find a
// connection being made, for which the client itself waits however long it takes. Each call is a goroutine, which goes on
// when its caller has gone.
type session struct {
	options rueidis.ClientOption
	live    atomic.Pointer[liveClient]
	jobs    sync.Pool       // of *job
	ctx     context.Context // done when the session is closed
	cancel  context.CancelFunc
	closing sync.Once
	losses  atomic.Uint64 // connections that ended before the session

	mu      sync.Mutex
	attempt *attempt // that is under way
	closed  bool
	conns   map[*trackedConn]struct{} // open ones
}

type liveClient struct {
	rueidis.Client
	cluster bool
}

// attempt is one attempt to connect.
type attempt struct {
	done chan struct{}
	err  error
}

// newSession makes a session, and connects unless it is lazy.
func newSession(options rueidis.ClientOption, lazy bool, invalidated func([]rueidis.RedisMessage)) (*session, error) {
	options, err := clientOptions(options, invalidated)
	if err != nil {
		return nil, err
	}
	s := &session{conns: map[*trackedConn]struct{}{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.options = options
	s.options.DialCtxFn = s.dialer(&options)
	if lazy {
		s.start()
		return s, nil
	}
	if err := s.open(context.Background()); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// builder, cluster, do and doMulti need a session that open has returned no error for.
func (s *session) builder() rueidis.Builder { return s.live.Load().B() }
func (s *session) cluster() bool            { return s.live.Load().cluster }

// open returns when there is a client, or with the reason why not. Those who wait share an attempt.
func (s *session) open(ctx context.Context) error {
	if s.live.Load() != nil {
		return nil
	}
	a := s.start()
	select {
	case <-a.done:
		return a.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// start begins an attempt unless one is under way.
func (s *session) start() *attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attempt == nil {
		a := &attempt{done: make(chan struct{})}
		if s.closed || s.live.Load() != nil {
			if s.closed {
				a.err = rueidis.ErrClosing
			}
			close(a.done)
			return a
		}
		s.attempt = a
		go s.connect(a)
	}
	return s.attempt
}

func (s *session) connect(a *attempt) {
	client, err := rueidis.NewClient(s.options)
	s.mu.Lock()
	switch {
	case err != nil:
		a.err = fmt.Errorf("connect to %v: %w", s.options.InitAddress, err)
	case s.closed:
		a.err = rueidis.ErrClosing
	default:
		s.live.Store(&liveClient{client, client.Mode() == rueidis.ClientModeCluster})
	}
	s.attempt = nil
	s.mu.Unlock()
	close(a.done)
	if client != nil && a.err != nil {
		client.Close()
	}
}

// close closes the client, and then what connections it has left open: those that it was making.
func (s *session) close() {
	s.closing.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.cancel()
		if live := s.live.Load(); live != nil {
			live.Close()
		}
		s.mu.Lock()
		left := s.conns
		s.conns = nil
		s.mu.Unlock()
		for c := range left {
			c.Conn.Close()
		}
	})
}

// job is a call under way. It belongs to its goroutine until that has sent on done.
type job struct {
	run      func()              // of the goroutine
	commands []rueidis.Completed // nil: one
	one      rueidis.Completed
	results  []rueidis.RedisResult
	result   rueidis.RedisResult
	err      error
	done     chan struct{}
}

// do calls the server with one command.
func (s *session) do(ctx context.Context, command rueidis.Completed) (rueidis.RedisResult, error) {
	j := s.job()
	j.one = command
	if err := s.await(ctx, j); err != nil {
		return rueidis.RedisResult{}, err
	}
	result := j.result
	s.release(j)
	return result, nil
}

// doMulti calls the server, or the servers, with commands. After an error they may still be in use.
func (s *session) doMulti(ctx context.Context, commands []rueidis.Completed) ([]rueidis.RedisResult, error) {
	if len(commands) == 0 {
		return nil, nil
	}
	j := s.job()
	j.commands = commands
	if err := s.await(ctx, j); err != nil {
		return nil, err
	}
	results := j.results
	s.release(j)
	return results, nil
}

func (s *session) job() *job {
	j, _ := s.jobs.Get().(*job)
	if j == nil {
		j = &job{done: make(chan struct{}, 1)}
		j.run = func() { s.run(j) }
	}
	return j
}

func (s *session) release(j *job) {
	*j = job{run: j.run, done: j.done}
	s.jobs.Put(j)
}

// await runs a job and returns when it is done, or with an error when it is the caller's no more.
func (s *session) await(ctx context.Context, j *job) error {
	go j.run()
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run is the goroutine of a job. The client does not see the caller's deadline: it would give up a connection that takes longer to
// be made than a request waits, for all who wait for it, and close one whose answer is late. Its own bounds are the
// options' Dialer.Timeout and ConnWriteTimeout.
func (s *session) run(j *job) {
	defer func() {
		if p := recover(); p != nil {
			j.err = fmt.Errorf("%w: %v", errPanicked, p)
		}
		j.done <- struct{}{}
	}()
	client := s.live.Load()
	if j.commands == nil {
		j.result = client.Do(context.Background(), j.one)
	} else {
		j.results = client.DoMulti(context.Background(), j.commands...)
	}
}

// dialer returns what makes the connections: as the options say, and known to the session.
func (s *session) dialer(options *rueidis.ClientOption) func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) {
	byContext, plain, delay := options.DialCtxFn, options.DialFn, options.DisableTCPNoDelay
	return func(ctx context.Context, addr string, d *net.Dialer, config *tls.Config) (conn net.Conn, err error) {
		if err := s.ctx.Err(); err != nil {
			return nil, rueidis.ErrClosing
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(s.ctx, cancel)()
		switch {
		case byContext != nil:
			conn, err = byContext(ctx, addr, d, config)
		case plain != nil:
			conn, err = plain(addr, d, config)
		case config != nil:
			conn, err = (&tls.Dialer{NetDialer: d, Config: config}).DialContext(ctx, "tcp", addr)
		default:
			conn, err = d.DialContext(ctx, "tcp", addr)
		}
		if err != nil {
			return nil, err
		}
		if tcp, ok := conn.(*net.TCPConn); ok && delay {
			tcp.SetNoDelay(false)
		}
		return s.track(conn)
	}
}

// trackedConn is a connection that its session can close.
type trackedConn struct {
	net.Conn
	session *session
}

func (s *session) track(conn net.Conn) (net.Conn, error) {
	c := &trackedConn{conn, s}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		conn.Close()
		return nil, rueidis.ErrClosing
	}
	s.conns[c] = struct{}{}
	return c, nil
}

func (c *trackedConn) Close() error {
	s := c.session
	s.mu.Lock()
	if _, open := s.conns[c]; open && !s.closed {
		s.losses.Add(1)
	}
	delete(s.conns, c)
	s.mu.Unlock()
	return c.Conn.Close()
}
