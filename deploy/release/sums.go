package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// sumsName is the file with the checksums of all others, as sha256sum -c takes them. If it
// is signed it is a note, as golang.org/x/mod/sumdb/note has it: an empty line and the
// signature follow.
const sumsName = "SHA256SUMS"

// maxKey is the largest file with a key that is read.
const maxKey = 4 << 10

func (r *release) sums(context.Context) error {
	text, err := sumsOf(r.output)
	if err != nil {
		return err
	}
	if r.signer == nil {
		fmt.Fprintln(r.out, "no key was given: the checksums are not signed")
	} else if text, err = note.Sign(&note.Note{Text: string(text)}, r.signer); err != nil {
		return err
	}
	return r.create(sumsName, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// sumsOf returns the checksums of the files in a folder.
func sumsOf(folder string) ([]byte, error) {
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var text []byte
	for _, f := range files {
		if f.Name() == sumsName {
			continue
		}
		sum, err := sumOf(filepath.Join(folder, f.Name()))
		if err != nil {
			return nil, err
		}
		text = fmt.Appendf(text, "%x  %s\n", sum, f.Name())
	}
	return text, nil
}

func sumOf(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return h.Sum(nil), err
}

// makeKey writes a new secret key to a file that is not there yet, and prints the public one.
func makeKey(name, path string, out io.Writer) error {
	if path == "" {
		return errors.New("-keygen needs -key FILE, to write the secret to")
	}
	secret, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, secret)
	if err := firstOf(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, public)
	return err
}

// readKey reads a secret key from a file that nobody but its owner can read.
func readKey(path string) (note.Signer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("others can read %s (mode %o): chmod 600", path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKey))
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s holds no key that -keygen made", path) // the error of note may quote it
	}
	return signer, nil
}

// checkFolder checks that a folder has what its checksums name, and nothing else, and who
// signed those.
func checkFolder(folder, verifier string, out io.Writer) error {
	if verifier == "" {
		return errors.New("-check needs -verifier KEY, the one that you trust")
	}
	v, err := note.NewVerifier(verifier)
	if err != nil {
		return fmt.Errorf("-verifier: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(folder, sumsName))
	if err != nil {
		return err
	}
	n, err := note.Open(text, note.VerifierList(v))
	if err != nil {
		return fmt.Errorf("%s: %w", sumsName, err)
	}
	now, err := sumsOf(folder)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, []byte(n.Text)) {
		signed, there := strings.Split(n.Text, "\n"), strings.Split(string(now), "\n")
		var differ []string
		for _, line := range slices.Concat(signed, there) {
			_, name, ok := strings.Cut(line, "  ")
			if ok && slices.Contains(signed, line) != slices.Contains(there, line) && !slices.Contains(differ, name) {
				differ = append(differ, name)
			}
		}
		return fmt.Errorf("not as signed: %s", strings.Join(differ, ", "))
	}
	_, err = fmt.Fprintf(out, "%d files are as %s signed them\n", strings.Count(n.Text, "\n"), v.Name())
	return err
}
