package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	linkTarget = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"`)
	codeBlock  = regexp.MustCompile("(?m)^(    |\t).*$|`[^`\n]*`")
	heading    = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	notAnchor  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// deadLinks returns those links of a document that lead nowhere in the repository,
// sorted. read returns a file of the repository, name is the document's.
func deadLinks(name, text string, there func(string) bool, read func(string) string) []string {
	var dead []string
	for _, m := range linkTarget.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
		link := m[1] + m[2]
		if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
			continue
		}
		file, anchor, _ := strings.Cut(link, "#")
		to := name
		if file != "" {
			to = path.Join(path.Dir(name), file)
		}
		if !there(to) || anchor != "" && !slices.Contains(anchors(read(to)), anchor) {
			dead = append(dead, link)
		}
	}
	slices.Sort(dead)
	return slices.Compact(dead)
}

// anchors returns the names under which the headings of a document can be linked, as
// GitHub makes them.
func anchors(text string) (names []string) {
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		name := notAnchor.ReplaceAllString(strings.ToLower(m[1]), "")
		names = append(names, strings.ReplaceAll(strings.TrimSpace(name), " ", "-"))
	}
	return names
}

// TestLinks holds that the relative links of all documents lead to files that are in
// the repository, and to headings that are in those.
func TestLinks(t *testing.T) {
	files := trackedFiles(t)
	there := func(name string) bool {
		return slices.ContainsFunc(files, func(f string) bool { return f == name || strings.HasPrefix(f, name+"/") })
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(moduleRoot, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	n := 0
	for _, name := range files {
		if path.Ext(name) != ".md" {
			continue
		}
		n++
		for _, link := range deadLinks(name, read(name), there, read) {
			t.Errorf("%s: the link %s leads nowhere", name, link)
		}
	}
	if n == 0 {
		t.Error("there are no documents")
	}
}

// TestDeadLinks holds that dead links are found.
func TestDeadLinks(t *testing.T) {
	docs := map[string]string{
		"README.md":     "# Top\n## What it *is*, now\n",
		"keys/OTHER.md": "",
	}
	there := func(name string) bool { return name == "keys" || name == "keys/OTHER.md" || name == "README.md" }
	for _, tt := range []struct {
		in, text string
		want     []string
	}{
		{"README.md", "[a](keys) [b](keys/OTHER.md) [c](#what-it-is-now) [d](https://x.example/y)", nil},
		{"keys/OTHER.md", "[a](../README.md#top) [b](OTHER.md)", nil},
		{"README.md", "[a](OTHER.md) <img src=\"no.png\">", []string{"OTHER.md", "no.png"}},
		{"README.md", "[a](#what-it-was) [b](README.md#no)", []string{"#what-it-was", "README.md#no"}},
		{"README.md", "`[a](no.md)`\n    [b](no.md)\n", nil},
	} {
		got := deadLinks(tt.in, tt.text, there, func(name string) string { return docs[name] })
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %q, want %q", tt.text, got, tt.want)
		}
	}
}

// TestArchitecture holds that ARCHITECTURE.md names each package of the command, and is
// short enough to be read.
func TestArchitecture(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(moduleRoot, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	if lines := strings.Count(text, "\n"); lines > 130 {
		t.Errorf("ARCHITECTURE.md has %d lines, more than 130", lines)
	}
	folders, err := os.ReadDir("internal")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		if !strings.Contains(text, "`"+f.Name()+"`") {
			t.Errorf("ARCHITECTURE.md says nothing of cmd/sealtape/internal/%s", f.Name())
		}
	}
}
