package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder/ingest"
)

// hash computes the SHA-256 of all files.
func (p *importPlan) hash(ctx context.Context, e *ui.Env) error {
	bar := e.Progress("hashing", p.bytes())
	defer bar.Finish()
	for i := range p.Parts {
		part := &p.Parts[i]
		if part.SHA256 != "" { // it was hashed before
			bar.Add(part.File.Size)
			continue
		}
		var err error
		if part.SHA256, err = part.File.Hash(ctx, bar.Add); err != nil {
			return &ingest.FileError{Name: part.File.Name, Err: err}
		}
	}
	for _, d := range p.doubled {
		sum, err := d.File.Hash(ctx, bar.Add)
		if err != nil {
			return &ingest.FileError{Name: d.File.Name, Err: err}
		}
		p.Papers = append(p.Papers, ingest.Paper{Name: d.File.Name, Size: d.File.Size, SHA256: sum, Note: d.Note()})
	}
	return nil
}

// An original is a file that was imported, or of which another that was has everything.
type original struct {
	path, name string
	goes       bool
	unchanged  func(context.Context) error
}

// originals are all files that could be deleted, if nothing of them was left out.
func (p *importPlan) originals() (all []original) {
	sums := make(map[string]string) // of those left out, by name and size
	for _, x := range p.Papers {
		sums[x.Name] = x.SHA256
	}
	file := func(f *ingest.File, sha256 string) original {
		return original{f.Path, f.Name, len(f.LeftOut) == 0, func(ctx context.Context) error {
			sum, err := f.Hash(ctx, nil)
			if err == nil && sum != sha256 {
				err = ingest.ErrChanged
			}
			return err
		}}
	}
	stays := make(map[string]bool)
	for _, part := range p.Parts {
		all = append(all, file(part.File, part.SHA256))
		stays[part.File.Name] = len(part.File.LeftOut) > 0
	}
	for _, d := range p.doubled {
		o := file(d.File, sums[d.File.Name])
		o.goes = o.goes && !stays[d.Of]
		all = append(all, o)
	}
	for _, x := range p.papers {
		all = append(all, original{x.path, x.name, x.kept, x.unchanged})
	}
	return all
}

// unchanged returns an error that wraps ErrChanged if the file is not what was read.
func (x *paper) unchanged(context.Context) error {
	if x.sha256 == "" {
		return nil // it was not read, and stays
	}
	b, err := os.ReadFile(x.path)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != x.sha256 {
		return ingest.ErrChanged
	}
	return nil
}
