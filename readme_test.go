package recsys_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The README's first program compiles, runs and prints what the README says.
func TestReadmeExampleRuns(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(package main.*?)```\n.*?```text\n(.*?)```").FindSubmatch(text)
	if blocks == nil {
		t.Fatal("README.md has no go block with package main, followed by a text block with its output")
	}
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, blocks[1], 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "run", file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got, want := string(out), string(blocks[2]); got != want {
		t.Errorf("the example prints\n%swant\n%s", got, want)
	}
	if formatted, err := exec.Command("gofmt", "-l", file).Output(); err != nil || len(formatted) > 0 {
		t.Errorf("the example is not gofmt-clean: %v %s", err, formatted)
	}
}

// The README holds exactly two set-up commands.
func TestReadmeHasTheTwoCommands(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "```sh\ngo run ./examples/quickstart\ngo test ./...\n```") {
		t.Error("README.md lacks the two set-up commands in one sh block")
	}
}
