package site

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sealtape/sealtape/internal/pattern"
)

// SumsName is the file with the hashes of all files.
const SumsName = "player.sha256"

// ErrNotOurs reports a folder that has something else in it than a player.
var ErrNotOurs = errors.New("there is something else in it than a player")

// ours matches the parts of an earlier player that a new one may take the place of.
var ours = pattern.Of(`^(page|([a-z]+_)?worker|sealtape)` + hashed)

// Write puts the site into a folder, which is new, empty, or has an earlier player in it:
// that one is replaced, its document last, so that whoever loads it meanwhile gets one or
// the other. What browsers take compressed is there compressed, too. It returns what a
// first visit takes then, in bytes.
func (s *Site) Write(dir string) (visit int64, err error) {
	before, err := sumsIn(dir)
	if err != nil {
		return 0, err
	}
	visited := make(map[string]bool)
	for _, f := range s.Files {
		visited[f.Name] = true
	}
	files := slices.Concat(s.Files[1:], s.Hosting)
	files = append(files, s.Files[0], File{SumsName, typeText, s.Sums()})
	keep := make(map[string]bool)
	for _, f := range files {
		keep[f.Name] = true
		small, err := compressedIn(dir, f)
		if err != nil {
			return 0, err
		}
		least := len(f.Data)
		for _, f := range append(small, f) {
			if err := WriteFile(filepath.Join(dir, filepath.FromSlash(f.Name)), f.Data); err != nil {
				return 0, err
			}
			least = min(least, len(f.Data))
		}
		if visited[f.Name] {
			visit += int64(least)
		}
	}
	for _, name := range before {
		if keep[name] || !ours().MatchString(name) {
			continue
		}
		for _, ending := range append(endings, "") {
			if err := os.Remove(filepath.Join(dir, name+ending)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return 0, err
			}
		}
	}
	return visit, nil
}

// sumsIn returns the names of the files of the player that is in a folder, if there is one.
func sumsIn(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil, os.MkdirAll(dir, 0o755)
	} else if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, SumsName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNotOurs)
	}
	for line := range strings.Lines(string(text)) {
		if _, name, ok := strings.Cut(strings.TrimSpace(line), "  "); ok {
			names = append(names, name)
		}
	}
	return names, err
}

// WriteFile writes a file that is there whole, or not at all, in place of any other.
func WriteFile(name string, data []byte) (err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if same, err := os.ReadFile(name); err == nil && bytes.Equal(same, data) {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
