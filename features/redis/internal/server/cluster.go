package server

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Cluster is a Redis Cluster of 3 masters with a replica each.
type Cluster struct {
	Servers []*Server
	dir     string
}

// StartCluster starts a cluster. It outlives the test: end it with Stop, from TestMain.
func StartCluster() (*Cluster, error) {
	dir, err := os.MkdirTemp("", "redis-cluster")
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir}
	if err := c.start(); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) start() error {
	const masters, nodes = 3, 6
	var addrs []string
	for i := range nodes {
		dir := filepath.Join(c.dir, fmt.Sprint(i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		// The timeout is long so that a busy machine starts no failover that nobody asked for.
		s, err := launch(dir, true, []string{"--cluster-node-timeout", "20000", "--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0"})
		if err != nil {
			return err
		}
		c.Servers = append(c.Servers, s)
		addrs = append(addrs, s.Addr)
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	args := append([]string{"--cluster", "create"}, addrs...)
	out, err := exec.CommandContext(ctx, "redis-cli", append(args, "--cluster-replicas", fmt.Sprint(nodes/masters-1), "--cluster-yes")...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("redis-cli --cluster create: %w\n%s", err, out)
	}
	return c.wait()
}

// wait returns when every node knows that the cluster is whole, and every replica follows its master.
func (c *Cluster) wait() error {
	var seen error
	for end := time.Now().Add(Patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if seen = c.whole(); seen == nil {
			return nil
		}
	}
	return fmt.Errorf("after %v the cluster is not whole: %w", Patience, seen)
}

func (c *Cluster) whole() error {
	masters, replicas := 0, 0
	for _, s := range c.Servers {
		info, err := s.Do("CLUSTER", "INFO")
		if err != nil {
			return err
		}
		if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_slots_ok:16384") {
			return fmt.Errorf("%s: %s", s.Addr, info)
		}
		nodes, err := s.Do("CLUSTER", "NODES")
		if err != nil {
			return err
		}
		if n := strings.Count(nodes, "\n"); n != len(c.Servers) || strings.Contains(nodes, "fail") || strings.Contains(nodes, "handshake") {
			return fmt.Errorf("%s: %s", s.Addr, nodes)
		}
		role, err := s.Do("INFO", "replication")
		switch {
		case err != nil:
			return err
		case strings.Contains(role, "role:master") && strings.Contains(role, "connected_slaves:1") && strings.Contains(role, "state=online"):
			masters++
		case strings.Contains(role, "role:slave") && strings.Contains(role, "master_link_status:up"):
			replicas++
		default:
			return fmt.Errorf("%s: %s", s.Addr, role)
		}
	}
	if masters != 3 || replicas != 3 {
		return fmt.Errorf("%d masters and %d replicas", masters, replicas)
	}
	return nil
}

// Addrs returns the addresses of all nodes.
func (c *Cluster) Addrs() (addrs []string) {
	for _, s := range c.Servers {
		addrs = append(addrs, s.Addr)
	}
	return addrs
}

// Masters returns the nodes that are masters now.
func (c *Cluster) Masters(t testing.TB) (masters []*Server) {
	t.Helper()
	for _, s := range c.Servers {
		if s.alive() && strings.Contains(s.Must(t, "INFO", "replication"), "role:master") {
			masters = append(masters, s)
		}
	}
	return masters
}

// Replica returns the replica of a master.
func (c *Cluster) Replica(t testing.TB, master *Server) *Server {
	t.Helper()
	for _, s := range c.Servers {
		info := s.Must(t, "INFO", "replication")
		if strings.Contains(info, "role:slave") && strings.Contains(info, fmt.Sprintf("master_port:%d", master.port)) {
			return s
		}
	}
	t.Fatalf("%s has no replica", master.Addr)
	return nil
}

// FailOver kills a master and has its replica take over, which it returns. The replica does not wait for votes: how
// long these take depends on how busy the machine is.
func (c *Cluster) FailOver(t testing.TB, master *Server) *Server {
	t.Helper()
	replica := c.Replica(t, master)
	master.Kill()
	replica.Must(t, "CLUSTER", "FAILOVER", "TAKEOVER")
	Until(t, "a new master", func() (bool, any) {
		info, err := replica.Do("INFO", "replication")
		return err == nil && strings.Contains(info, "role:master"), info
	})
	return replica
}

// Heal starts what has been killed and waits until the cluster is whole.
func (c *Cluster) Heal(t testing.TB) {
	t.Helper()
	for _, s := range c.Servers {
		if !s.alive() {
			s.Restart(t)
		}
	}
	if err := c.wait(); err != nil {
		t.Fatal(err)
	}
}

// Stop ends all nodes and removes their folders.
func (c *Cluster) Stop() {
	for _, s := range c.Servers {
		s.Stop()
	}
	os.RemoveAll(c.dir)
}
