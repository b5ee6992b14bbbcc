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

// The snippet that judges a log compiles as the body of a function.
func TestReadmeJudgesALog(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "## A log, judged counterfactually\n")
	snippet := regexp.MustCompile("(?s)```go\n(.*?)```").FindStringSubmatch(section)
	if !found || snippet == nil {
		t.Fatal("README.md has no snippet that judges a log")
	}
	file := filepath.Join(t.TempDir(), "main.go")
	source := "package main\n\nimport (\n\t\"context\"\n\t\"fmt\"\n\n\t\"github.com/recsyskit/recsys\"\n\t\"github.com/recsyskit/recsys/metrics/ope/logged\"\n)\n\n" +
		"func judge(ctx context.Context, target *recsys.Pipeline) error {\n" + snippet[1] + "\treturn nil\n}\n\nfunc main() { _ = judge }\n"
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "vet", file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
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
