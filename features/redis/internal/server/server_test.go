package server_test

import (
	"strings"
	"testing"

	"github.com/recsyskit/recsys/features/redis/internal/server"
)

func TestServerIsKilledPausedAndRestarted(t *testing.T) {
	s := server.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	s.Must(t, "SET", "k", "v")
	s.Kill()
	if _, err := s.Do("PING"); err == nil {
		t.Fatal("a killed server answers")
	}
	s.Restart(t)
	if v := s.Must(t, "GET", "k"); v != "v" {
		t.Fatalf("after a restart k is %q", v)
	}
	s.Pause(t)
	s.Resume(t)
	s.Must(t, "PING")
}

func TestClusterFailsOverAndHeals(t *testing.T) {
	if testing.Short() {
		t.Skip("the tests of package redis do the same")
	}
	server.Need(t)
	c, err := server.StartCluster()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	old := c.Masters(t)[0]
	now := c.FailOver(t, old)
	c.Heal(t)
	if info := old.Must(t, "INFO", "replication"); !strings.Contains(info, "role:slave") {
		t.Fatalf("the old master does not follow %s: %s", now.Addr, info)
	}
}

func TestSentinelKnowsTheMaster(t *testing.T) {
	g := server.StartSentinel(t)
	if addr := g.Sentinel.Must(t, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "features"); strings.ReplaceAll(addr, "\n", ":") != g.Master.Addr {
		t.Fatalf("the master is %s; want %s", addr, g.Master.Addr)
	}
}
