//go:build unix

package ingest

import "syscall"

// Links returns how many names the file has, as far as the system tells: what is deleted
// under one of them is still there under the others.
func (f *File) Links() int {
	if f.Info != nil {
		if s, ok := f.Info.Sys().(*syscall.Stat_t); ok {
			return int(s.Nlink)
		}
	}
	return 1
}
