package main

import (
	"context"
	"io/fs"
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
	p.sums = make(map[*ingest.File]string)
	for _, d := range p.doubled {
		sum, err := d.File.Hash(ctx, bar.Add)
		if err != nil {
			return &ingest.FileError{Name: d.File.Name, Err: err}
		}
		p.sums[d.File] = sum
		p.Sidecars = append(p.Sidecars, ingest.Sidecar{Name: d.File.Name, Size: d.File.Size, SHA256: sum, Note: d.Note()})
	}
	for _, f := range p.mixes {
		sum, err := f.Hash(ctx, bar.Add)
		if err != nil {
			return &ingest.FileError{Name: f.Name, Err: err}
		}
		p.sums[f] = sum
		p.Sidecars = append(p.Sidecars, ingest.Sidecar{Name: f.Name, Size: f.Size, SHA256: sum, Note: "left out: " + f.LeftOut[len(f.LeftOut)-1]})
	}
	return nil
}

// An original is a file that was imported, or of which another that was has everything.
type original struct {
	path, name string
	goes       bool
	file       *ingest.File
	sha256     string // "": it was not read
}

// originals are all files that could be deleted, if nothing of them was left out.
func (p *importPlan) originals() (all []original) {
	whole := func(f *ingest.File) bool { return len(f.LeftOut) == 0 }
	for _, part := range p.Parts {
		all = append(all, original{part.File.Path, part.File.Name, whole(part.File), part.File, part.SHA256})
	}
	for _, d := range p.doubled {
		all = append(all, original{d.File.Path, d.File.Name, whole(d.File) && whole(d.Of), d.File, p.sums[d.File]})
	}
	for _, f := range p.mixes {
		all = append(all, original{f.Path, f.Name, false, f, p.sums[f]})
	}
	for _, f := range p.written {
		all = append(all, original{f.Path, f.Name, f.Whole, f.File, f.SHA256})
	}
	return all
}

// unchanged returns an error that wraps ErrChanged if the file is not what was read.
func (o original) unchanged(ctx context.Context) error {
	if o.sha256 == "" {
		return nil // and it stays
	}
	sum, err := o.file.Hash(ctx, nil)
	if err == nil && sum != o.sha256 {
		err = ingest.ErrChanged
	}
	return err
}

// checkRemovable refuses files that cannot be deleted by their names: who deletes a link
// deletes nothing.
func checkRemovable(paths []string) error {
	for _, path := range paths {
		if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return ui.Hinted(ui.Misuse("--remove-source would delete %s, which is a link, and not what it leads to", ui.Clean(path)), "name the file or the folder itself")
		}
	}
	return nil
}
