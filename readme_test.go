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

// Snippets that are no programs compile as the body of a function.
func TestReadmeSnippetsCompile(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ section, imports, params, end string }{
		{
			"Your own features",
			"fmt iter time features features/asof features/materialize features/skew features/window ranking ranking/gbdt",
			"similar recsys.Retriever, sink recsys.ExposureSink, joined iter.Seq2[recsys.Joined, error]", "_ = p\nreturn err",
		},
		{"Your own bandit", "errors time bandit bandit/journal", "similar recsys.Retriever, store recsys.FeatureSource", "return err"},
		{"A log, judged counterfactually", "fmt metrics/ope/logged", "target *recsys.Pipeline", "return nil"},
	} {
		t.Run(x.section, func(t *testing.T) {
			_, section, found := strings.Cut(string(text), "## "+x.section+"\n")
			snippet := regexp.MustCompile("(?s)```go\n(.*?)```").FindStringSubmatch(section)
			if !found || snippet == nil {
				t.Fatal("README.md has no such section with a go block")
			}
			source := "package main\n\nimport (\n\"context\"\n\"github.com/recsyskit/recsys\"\n"
			for path := range strings.FieldsSeq(x.imports) {
				if _, err := os.Stat(path); err == nil { // a folder of ours
					path = "github.com/recsyskit/recsys/" + path
				}
				source += "\"" + path + "\"\n"
			}
			source += ")\n\nfunc snippet(ctx context.Context, " + x.params + ") error {\n" + snippet[1] + x.end + "\n}\n\nfunc main() { _ = snippet }\n"
			file := filepath.Join(t.TempDir(), "main.go")
			if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("go", "vet", file).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		})
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
