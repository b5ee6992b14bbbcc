package goapi

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// listFiles returns the .go files below src, relative to it, with forward
// slashes, sorted; and the number of folders and files ignored by name.
func listFiles(src string) (paths []string, ignored int, err error) {
	err = filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("goapi: %w; make the folder readable, or name another toolchain", err)
		}
		if path == src {
			return nil
		}
		name := d.Name()
		switch {
		case name[0] == '.' || name[0] == '_', d.IsDir() && (name == "testdata" || name == "vendor"):
			if d.IsDir() {
				ignored++
				return filepath.SkipDir
			}
			if strings.HasSuffix(name, ".go") {
				ignored++
			}
			return nil
		case d.IsDir() || !strings.HasSuffix(name, ".go") || !isFile(path, d):
			return nil
		}
		rel, err := filepath.Rel(src, path)
		if err != nil {
			return fmt.Errorf("goapi: %w", err)
		}
		paths = append(paths, filepath.ToSlash(rel))
		return nil
	})
	slices.Sort(paths) // the walk sorts by path element, where "a-b/" is after "a/"
	return paths, ignored, err
}

// isFile reports whether the entry at path is a file or a link to one. A link to
// nothing passes, so that reading it reports the path.
func isFile(path string, d fs.DirEntry) bool {
	if d.Type()&fs.ModeSymlink == 0 {
		return d.Type().IsRegular()
	}
	info, err := os.Stat(path)
	return err != nil || info.Mode().IsRegular()
}

// holdsItems reports whether the folder dir, below src, may be a package that
// every program can import and whose symbols are real.
func holdsItems(dir string) bool {
	if dir == "." || dir == "builtin" {
		return false
	}
	for i, element := range strings.Split(dir, "/") {
		if element == "internal" || i == 0 && element == "cmd" {
			return false
		}
	}
	return true
}
