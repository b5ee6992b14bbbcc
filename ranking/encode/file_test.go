package encode_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/recsyskit/recsys/ranking/encode"
)

func TestATargetComesBackFromItsFile(t *testing.T) {
	for _, cfg := range []encode.Config{
		{},
		{NoCounts: true, Heads: []string{"dwell"}},
		{Heads: []string{}, Keys: [][]string{{"hour", "user", "item"}}},
		{MinCount: 1e9}, // no key is kept
	} {
		target, _, err := encode.Fit(t.Context(), cfg, random(200, 1))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "target")
		if err := target.Save(path); err != nil {
			t.Fatal(err)
		}
		back, err := encode.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		d := random(100, 2)
		want, err1 := target.Transform(d)
		got, err2 := back.Transform(d)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) || back.String() != target.String() {
			t.Errorf("%+v: it came back otherwise", cfg)
		}
	}
}

// encoded returns the bytes of a small target.
func encoded(tb testing.TB) []byte {
	target, _, err := encode.Fit(context.Background(), encode.Config{}, random(30, 1))
	if err != nil {
		tb.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := target.WriteTo(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestDamagedFilesAreRefused(t *testing.T) {
	data := encoded(t)
	var target encode.Target
	for n := 0; n < len(data); n += 37 {
		if _, err := target.ReadFrom(bytes.NewReader(data[:n])); !errors.Is(err, encode.ErrTruncated) {
			t.Fatalf("the first %d of %d bytes: error %v, want %v", n, len(data), err, encode.ErrTruncated)
		}
		damaged := bytes.Clone(data)
		damaged[n] ^= 0x10
		if _, err := target.ReadFrom(bytes.NewReader(damaged)); err == nil {
			t.Fatalf("byte %d is another: no error", n)
		}
	}
	if _, err := encode.Load(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: error %v", err)
	}
}

func FuzzReadFrom(f *testing.F) {
	f.Add(encoded(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		var target encode.Target
		if _, err := target.ReadFrom(bytes.NewReader(data)); err != nil {
			return
		}
		var b bytes.Buffer
		if _, err := target.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		var back encode.Target
		if _, err := back.ReadFrom(&b); err != nil || !reflect.DeepEqual(back, target) {
			t.Errorf("it does not come back: %v", err)
		}
	})
}
