package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// An entry is a file of an archive.
type entry struct {
	name string // with slashes
	mode fs.FileMode
	data []byte
}

// file reads a file as an entry.
func file(name, from string, mode fs.FileMode) (entry, error) {
	data, err := os.ReadFile(from)
	return entry{name, mode, data}, err
}

// folder reads all regular files below a folder as entries below name. Scripts are
// programs.
func folder(name, from string) (es []entry, err error) {
	err = filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if strings.HasSuffix(p, ".sh") {
			mode = 0o755
		}
		e, err := file(path.Join(name, filepath.ToSlash(rel)), p, mode)
		es = append(es, e)
		return err
	})
	return es, err
}

// writeTar writes entries, sorted, each at the same time and by nobody in particular. uid
// owns them.
func writeTar(w io.Writer, es []entry, at time.Time, uid int) error {
	es = slices.Clone(es)
	slices.SortFunc(es, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	t := tar.NewWriter(w)
	for _, e := range es {
		h := &tar.Header{
			Name: e.name, Mode: int64(e.mode.Perm()), Size: int64(len(e.data)), Typeflag: tar.TypeReg,
			ModTime: at, Uid: uid, Gid: uid, Format: tar.FormatPAX,
		}
		if e.mode&fs.ModeSticky != 0 {
			h.Mode |= 0o1000
		}
		if e.mode.IsDir() {
			h.Typeflag, h.Name = tar.TypeDir, e.name+"/"
		}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(e.data); err != nil {
			return err
		}
	}
	return t.Close()
}

// tarGz is writeTar, compressed.
func tarGz(w io.Writer, es []entry, at time.Time) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	return errors.Join(writeTar(z, es, at, 0), z.Close())
}

func writeZip(w io.Writer, es []entry, at time.Time) error {
	es = slices.Clone(es)
	slices.SortFunc(es, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	z := zip.NewWriter(w)
	for _, e := range es {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: at.UTC()}
		h.SetMode(e.mode)
		f, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := f.Write(e.data); err != nil {
			return err
		}
	}
	return z.Close()
}

// archives makes one for each platform: the program, that for browsers beside it, where
// "sealtape player" looks for it, the manual and the completion.
func (r *release) archives(context.Context) error {
	var rest []entry
	for _, name := range []string{"README.md", "CHANGES.md", "LICENSE"} {
		e, err := file(name, filepath.Join(r.source, name), 0o644)
		if err != nil {
			return err
		}
		rest = append(rest, e)
	}
	browser, err := file("sealtape.wasm", r.browser, 0o644)
	if err != nil {
		return err
	}
	manual, err := folder("", r.manual)
	if err != nil {
		return err
	}
	rest = slices.Concat(rest, []entry{browser}, manual)
	for _, p := range r.platforms {
		program, err := file(programName(p), r.programs[p], 0o755)
		if err != nil {
			return err
		}
		top := r.name("_" + p.os + "_" + p.arch)
		es := append([]entry{program}, rest...)
		for i := range es {
			es[i].name = path.Join(top, es[i].name)
		}
		write, ending := tarGz, ".tar.gz"
		if p.os == "windows" {
			write, ending = writeZip, ".zip"
		}
		if err := r.create(top+ending, func(w io.Writer) error { return write(w, es, r.time) }); err != nil {
			return err
		}
	}
	return nil
}

// charts makes the Helm chart, as "helm package" would, and an archive of the other files of
// deploy/ that are used as they are.
func (r *release) charts(context.Context) error {
	chart, err := folder("sealtape", filepath.Join(r.source, "deploy", "chart", "sealtape"))
	if err != nil {
		return err
	}
	for i := range chart {
		if chart[i].name == "sealtape/Chart.yaml" {
			chart[i].data = bytes.ReplaceAll(chart[i].data, []byte("0.0.0-source"), []byte(r.version))
		}
	}
	if err := r.create("sealtape-"+r.version+".tgz", func(w io.Writer) error { return tarGz(w, chart, r.time) }); err != nil {
		return err
	}
	top := r.name("_deploy")
	rules, err := file(path.Join(top, "prometheus", "rules.yaml"), filepath.Join(r.source, "deploy", "chart", "sealtape", "rules.yaml"), 0o644)
	if err != nil {
		return err
	}
	es := []entry{rules}
	for _, name := range []string{"compose", "grafana", "systemd"} {
		part, err := folder(path.Join(top, name), filepath.Join(r.source, "deploy", name))
		if err != nil {
			return err
		}
		es = append(es, part...)
	}
	return r.create(top+".tar.gz", func(w io.Writer) error { return tarGz(w, es, r.time) })
}
