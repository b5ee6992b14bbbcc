package command_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/examples/bench/internal/command"
)

// script writes a program of the shell.
func script(t *testing.T, body string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "peer.sh")
	if err := os.WriteFile(name, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
	return "/bin/sh " + name
}

func TestPeerAnswersInTurn(t *testing.T) {
	line := script(t, `while read lane times; do echo $times $1 $(wc -c <"$2"); done`)
	p, err := command.Start(t.Context(), io.Discard, line, []any{7}, []float32{1, 2}, []float32{3})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	for times := range 3 {
		if answer, err := p.Ask(3, "lane", times); err != nil || !slices.Equal(answer, []float64{float64(times), 7, 12}) {
			t.Errorf("round %d: %v, %v", times, answer, err)
		}
	}
	if _, err := p.Ask(4, "lane", 1); err == nil || !strings.Contains(err.Error(), "want 4 numbers") {
		t.Errorf("too few numbers: %v", err)
	}
}

func TestPeerThatFailsSaysSo(t *testing.T) {
	p, err := command.Start[float32](t.Context(), io.Discard, script(t, "read x; echo none; read x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	if _, err := p.Ask(1, "a"); err == nil || !strings.Contains(err.Error(), `"none"; want numbers`) {
		t.Errorf("no number: %v", err)
	}
	if _, err := p.Ask(1, "a"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("no answer: %v", err)
	}
	for _, line := range []string{" ", "/no/such/program"} {
		if _, err := command.Start(t.Context(), io.Discard, line, nil, []float32{1}); err == nil {
			t.Errorf("%q started", line)
		}
	}
}
