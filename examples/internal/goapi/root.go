package goapi

import (
	"context"
	"errors"
	"fmt"
	"go/build"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrNoSource says that there is no Go source tree where one was looked for.
var ErrNoSource = errors.New("goapi: no Go source tree")

// FindRoot returns the folder of the installed toolchain: what "go env GOROOT"
// prints, else the environment's GOROOT, else the root that go/build knows; the
// first one that has a src folder. The go command is kept from switching to, and so
// from downloading, another toolchain. The error is [ErrNoSource] with the places
// tried, or wraps ctx.Err().
func FindRoot(ctx context.Context) (string, error) {
	var tried []string
	for _, find := range []func(context.Context) string{goEnvRoot, environmentRoot, buildRoot} {
		root := find(ctx)
		if err := ctx.Err(); err != nil {
			return "", fmt.Errorf("goapi: find the toolchain: %w", err)
		}
		if root == "" {
			continue
		}
		if _, err := sourceOf(root); err == nil {
			return root, nil
		}
		tried = append(tried, filepath.Join(root, "src"))
	}
	if len(tried) == 0 {
		return "", fmt.Errorf("%w: neither a go command, nor GOROOT; install Go, or set Config.Root", ErrNoSource)
	}
	return "", fmt.Errorf("%w at %s; install the toolchain's source, or set Config.Root",
		ErrNoSource, strings.Join(tried, ", "))
}

func goEnvRoot(ctx context.Context) string {
	cmd := exec.CommandContext(ctx, "go", "env", "GOROOT")
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local")
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

func environmentRoot(context.Context) string { return os.Getenv("GOROOT") }

func buildRoot(context.Context) string { return build.Default.GOROOT }

// sourceOf returns the source folder below root, without symbolic links: some
// distributions keep it elsewhere and link to it, and a walk stops at a link.
func sourceOf(root string) (string, error) {
	src := filepath.Join(root, "src")
	real, err := filepath.EvalSymlinks(src)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(real)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", errors.New("not a folder")
	}
	return real, nil
}
