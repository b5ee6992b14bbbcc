package server

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Patience is how long anything that another process has to do may take: much longer than it ever should.
const Patience = 60 * time.Second

// Need skips the test if there is no redis-server, or fails it if RECSYS_REQUIRE_REDIS is 1.
func Need(t testing.TB) {
	t.Helper()
	for _, program := range []string{"redis-server", "redis-cli"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("RECSYS_REQUIRE_REDIS") == "1" {
				t.Fatalf("no %s, and RECSYS_REQUIRE_REDIS=1: %v", program, err)
			}
			t.Skipf("no %s: install Debian's redis-server to run this test", program)
		}
	}
}

// Server is a running redis-server. Its methods are for one goroutine.
type Server struct {
	Addr string // host:port

	dir    string
	args   []string
	port   int
	bus    int // 0 unless in a cluster
	output *output
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process has ended
}

// Start starts a server with further arguments, as on its command line. Without any it writes nothing to disk.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	Need(t)
	s, err := launch(t.TempDir(), false, args)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// launch starts a server in dir on free ports. A port that somebody else takes in between is no error: it tries others.
func launch(dir string, clustered bool, args []string) (*Server, error) {
	var last error
	for range 10 {
		s := &Server{dir: dir, args: args}
		ports, err := freePorts(2)
		if err != nil {
			return nil, err
		}
		s.port = ports[0]
		if clustered {
			s.bus = ports[1]
		}
		s.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))
		if last = s.run(); last == nil {
			return s, nil
		}
		s.Stop()
	}
	return nil, last
}

// freePorts returns ports that were free a moment ago.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// run starts the process and waits until it answers.
func (s *Server) run() error {
	args := []string{
		"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "no",
		"--daemonize", "no", "--databases", "1", "--protected-mode", "no", "--enable-debug-command", "yes",
	}
	if s.bus != 0 {
		args = append(args, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(s.bus), "--cluster-config-file", "nodes.conf")
	}
	return s.exec("redis-server", append(args, s.args...))
}

func (s *Server) exec(program string, args []string) error {
	s.output = &output{}
	s.cmd = exec.Command(program, args...)
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	s.cmd.Env = append(os.Environ(), "LC_ALL=C")
	s.cmd.SysProcAttr = sysProcAttr()
	if err := spawn(s.cmd); err != nil {
		return err
	}
	ended := make(chan struct{})
	s.ended = ended
	go func(cmd *exec.Cmd) {
		cmd.Wait() // how it ended is seen in the output
		close(ended)
	}(s.cmd)
	var last error
	for end := time.Now().Add(Patience); time.Now().Before(end); {
		reply, err := s.Do("PING")
		if err == nil && reply == "PONG" && s.alive() {
			return nil
		}
		last = errors.Join(err, fmt.Errorf("it answered PING with %q", reply))
		select {
		case <-s.ended:
			return fmt.Errorf("%s on port %d ended:\n%s", program, s.port, s.output)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s on port %d does not answer: %w\n%s", program, s.port, last, s.output)
}

func (s *Server) alive() bool {
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// Restart starts the server again where it was: same port, same folder. It has ended by Kill before.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	var err error
	for end := time.Now().Add(Patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = s.run(); err == nil {
			return
		}
		s.Kill()
	}
	t.Fatal(err)
}

// Kill ends the server with SIGKILL and waits for its end.
func (s *Server) Kill() {
	if s.cmd != nil && s.cmd.Process != nil && s.alive() {
		s.cmd.Process.Kill()
		<-s.ended
	}
}

// Stop is Kill; also a server that is paused ends.
func (s *Server) Stop() {
	if s.cmd != nil && s.cmd.Process != nil && s.ended != nil {
		s.Kill()
	}
}

// Pause stops the process with SIGSTOP: connections stay, answers do not come.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
}

// Resume lets a paused server continue.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

// PID returns the number of the process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// File returns the name of a file in the server's folder.
func (s *Server) File(name string) string { return filepath.Join(s.dir, name) }

// Must is Do that fails the test on an error.
func (s *Server) Must(t testing.TB, words ...string) string {
	t.Helper()
	reply, err := s.Do(words...)
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(words, " "), err)
	}
	return reply
}

// output keeps what a process prints.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// Until polls until the condition holds, and fails the test when it does not in Patience.
func Until(t testing.TB, what string, holds func() (ok bool, seen any)) {
	t.Helper()
	var seen any
	for end := time.Now().Add(Patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var ok bool
		if ok, seen = holds(); ok {
			return
		}
	}
	t.Fatalf("after %v there is still not: %s; last seen: %v", Patience, what, seen)
}
