package recsys_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/recsyskit/recsys"

// importRules says what each folder may import of this module, beside what is below
// itself. The first row that matches counts; a folder without a row fails the test.
// ARCHITECTURE.md prints the same table.
var importRules = []struct{ folder, may string }{
	{".", "internal/*"},
	{"internal/**", "internal/*"},
	{"retrieval/vector", "internal/*"},
	{"retrieval/auto", ". retrieval retrieval/* internal/*"},
	{"retrieval/**", ". retrieval retrieval/itemsim retrieval/internal/* retrieval/vector internal/*"},
	{"features", ". features/encoder features/internal/* internal/*"},
	{"features/encoder", ". features/internal/* internal/*"},
	{"features/window", ". features/internal/* internal/*"},
	{"features/frame", ". features/internal/* internal/*"},
	{"features/**", ". features features/encoder features/window features/frame features/asof features/internal/* internal/*"},
	{"ranking/**", ". ranking ranking/internal/* ranking/gbdt/internal/* internal/*"},
	{"objective", "internal/*"},
	{"rerank/**", ". rerank internal/*"},
	{"bandit/**", ". bandit bandit/internal/* internal/*"},
	{"metrics/ope/logged", ". metrics/** internal/*"},
	{"metrics/**", "metrics internal/*"},
	{"examples/internal/goapi", "."},
	{"examples/internal/cli", ""},
	{"examples/internal/page", ""},
	{"examples/internal/**", ". retrieval/** features/** ranking/** objective/** rerank/** bandit/** metrics/** examples/internal/*"},
	{"examples/*", ". retrieval/** features/** ranking/** objective/** rerank/** bandit/** metrics/** examples/internal/*"},
}

// testsMay is what tests may import besides: the vocabulary, the stage that they belong to,
// and what is internal. Tests of examples may use all that examples may.
const testsMay = ". internal/*"

// thirdParty lists the modules that root and stages may reach, in tests too.
var (
	thirdParty     = []string{"github.com/viterin/vek", "github.com/viterin/partial", "github.com/chewxy/math32", "golang.org/x/exp", "golang.org/x/sys"}
	thirdPartyTest = []string{"github.com/stretchr/testify", "github.com/davecgh/go-spew", "github.com/pmezard/go-difflib", "gopkg.in/yaml.v3"}
)

func match(pattern, folder string) bool {
	if base, ok := strings.CutSuffix(pattern, "/**"); ok {
		return folder == base || strings.HasPrefix(folder, base+"/")
	}
	ok, _ := path.Match(pattern, folder)
	return ok
}

func matchAny(patterns, folder string) bool {
	return slices.ContainsFunc(strings.Fields(patterns), func(p string) bool { return match(p, folder) })
}

type goPackage struct {
	ImportPath                         string
	Standard                           bool
	Imports, TestImports, XTestImports []string
	Module                             *struct{ Path string }
}

func goList(t *testing.T, args ...string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Standard,Imports,TestImports,XTestImports,Module"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var list []goPackage
	for dec := json.NewDecoder(out); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return list
}

func folderOf(importPath string) (string, bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func TestImportsPointDown(t *testing.T) {
	for _, p := range goList(t, "./...") {
		folder, _ := folderOf(p.ImportPath)
		at := slices.IndexFunc(importRules, func(r struct{ folder, may string }) bool { return match(r.folder, folder) })
		if at < 0 {
			t.Errorf("folder %s has no rule: add a row to importRules and to ARCHITECTURE.md", folder)
			continue
		}
		may := importRules[at].may
		stage, _, _ := strings.Cut(folder, "/")
		check := func(imports []string, may, what string) {
			for _, i := range imports {
				to, ours := folderOf(i)
				if ours && to != folder && !matchAny(may, to) && !strings.HasPrefix(to, folder+"/") {
					t.Errorf("%s%s imports %s; it may import: %s", folder, what, to, may)
				}
			}
		}
		check(p.Imports, may, "")
		testMay := may + " " + testsMay
		switch stage {
		case ".":
		case "examples":
			testMay += " " + importRules[len(importRules)-1].may
		default:
			testMay += " " + stage + "/**"
		}
		check(p.TestImports, testMay, " (tests)")
		check(p.XTestImports, testMay, " (tests)")
	}
}

func TestDependenciesAreTheAllowedOnes(t *testing.T) {
	var packages []string
	for _, p := range goList(t, "./...") {
		if folder, _ := folderOf(p.ImportPath); !strings.HasPrefix(folder, "examples") {
			packages = append(packages, p.ImportPath)
		}
	}
	foreign := func(args []string, allowed []string) {
		for _, p := range goList(t, append(args, packages...)...) {
			if p.Standard || p.Module == nil || p.Module.Path == module || slices.Contains(allowed, p.Module.Path) {
				continue
			}
			t.Errorf("%v reaches %s of module %s, which is not allowed", args, p.ImportPath, p.Module.Path)
		}
	}
	foreign([]string{"-deps"}, thirdParty)
	foreign([]string{"-deps", "-test"}, append(thirdParty, thirdPartyTest...))
}

func TestArchitecturePrintsTheImportTable(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range importRules {
		may := r.may
		if may == "" {
			may = "–"
		}
		row := "| `" + r.folder + "` | " + may + " |"
		if !strings.Contains(string(text), row+"\n") {
			t.Errorf("ARCHITECTURE.md lacks the row\n%s", row)
		}
	}
}
