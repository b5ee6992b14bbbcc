package server

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Sentinels is a master with a replica, watched by one Sentinel under the name "features".
type Sentinels struct {
	Master, Replica, Sentinel *Server
}

// StartSentinel starts the three processes and waits until the Sentinel knows both others.
func StartSentinel(t testing.TB) *Sentinels {
	t.Helper()
	g := &Sentinels{Master: Start(t, "--repl-diskless-sync-delay", "0")}
	_, port, _ := net.SplitHostPort(g.Master.Addr)
	g.Replica = Start(t, "--replicaof", "127.0.0.1 "+port)
	Until(t, "a replica in step", func() (bool, any) {
		info := g.Replica.Must(t, "INFO", "replication")
		return strings.Contains(info, "master_link_status:up"), info
	})
	g.Sentinel = startSentinel(t, port)
	Until(t, "a Sentinel that knows the replica", func() (bool, any) {
		reply, err := g.Sentinel.Do("SENTINEL", "MASTER", "features")
		return err == nil && strings.Contains(reply, "num-slaves\n1\n"), reply
	})
	return g
}

func startSentinel(t testing.TB, masterPort string) *Server {
	t.Helper()
	var last error
	for range 10 {
		ports, err := freePorts(1)
		if err != nil {
			t.Fatal(err)
		}
		s := &Server{dir: t.TempDir(), port: ports[0], Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0]))}
		// The Sentinel is slow to take a master for dead, so that a busy machine starts no failover by itself.
		conf := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor features 127.0.0.1 %s 1\n"+
			"sentinel down-after-milliseconds features 60000\nsentinel failover-timeout features 60000\n", s.port, s.dir, masterPort)
		name := filepath.Join(s.dir, "sentinel.conf")
		if err := os.WriteFile(name, []byte(conf), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Stop)
		if last = s.exec("redis-server", []string{name, "--sentinel"}); last == nil {
			return s
		}
		s.Stop()
	}
	t.Fatal(last)
	return nil
}
