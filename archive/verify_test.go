package archive_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
	"github.com/sealtape/sealtape/testdata/sample"
)

// record makes a small recording, and returns its ID and its objects by name.
// It is closed if it is to be.
func record(t testing.TB, s signer, closed bool, segments int, readers ...age.Recipient) (id string, objects map[string]string) {
	t.Helper()
	return recordOf(t, s, closed, segments, 150_000, readers...)
}

// recordOf is record with segments of another size.
func recordOf(t testing.TB, s signer, closed bool, segments, size int, readers ...age.Recipient) (id string, objects map[string]string) {
	t.Helper()
	spool := t.TempDir()
	w := create(t, spool, archive.Config{Signer: s}, readers...)
	for i := range segments {
		commit(t, begin(t, w, archive.Segment, content(i, size)))
	}
	commit(t, begin(t, w, archive.Index, []byte("index")))
	if closed {
		closeWriter(t, w)
	} else {
		t.Cleanup(func() {
			if err := w.Crash(); err != nil {
				t.Error(err)
			}
		})
	}
	objects = files(t, filepath.Join(spool, w.ID()))
	delete(objects, ".lock")
	return w.ID(), objects
}

// fill stores the objects of a recording.
func fill(t testing.TB, s archive.Store, id string, objects map[string]string) {
	t.Helper()
	for name, data := range objects {
		b := archive.BytesBlob([]byte(data))
		b.Replace = true
		if err := s.Put(context.Background(), id+"/"+name, b); err != nil {
			t.Fatal(err)
		}
	}
}

func flip(data string, i int) string {
	b := []byte(data)
	b[i] ^= 1
	return string(b)
}

// logged returns the log as it would be for the objects as they are.
func logged(objects map[string]string) (entries []archive.Entry) {
	for line := range strings.Lines(objects["log/0000"]) {
		name := line[66 : len(line)-1]
		entries = append(entries, archive.Entry{Name: name, SHA256: sha256.Sum256([]byte(objects[name]))})
	}
	return entries
}

// Every way of tampering, and what Verify calls it.
func TestVerifyTampering(t *testing.T) {
	t.Parallel()
	s, stranger := newSigner(t, "recorder"), newSigner(t, "recorder")
	reader := hybrid(t)
	id, good := record(t, s, true, 3, reader.Recipient())
	_, other := record(t, s, true, 3, reader.Recipient())
	openID, live := record(t, s, false, 3, reader.Recipient())
	// resign makes a log and a head for objects as they are.
	resign := func(o map[string]string, entries []archive.Entry, state archive.State, by signer) {
		log, head, err := archive.Forge(id, entries, state, by)
		if err != nil {
			t.Fatal(err)
		}
		o["log/0000"], o["head"] = string(log), string(head)
	}
	const seg0, seg1, epoch = "segments/000000.age", "segments/000001.age", "epochs/000001.age"

	tests := []struct {
		name   string
		open   bool // tamper with a recording that is not over
		tamper func(o map[string]string)
		want   []string // kind and object of each problem
	}{
		{"nothing", false, func(o map[string]string) {}, nil},
		{"nothing, open", true, func(o map[string]string) {}, nil},

		{"flip in a segment", false, func(o map[string]string) { o[seg1] = flip(o[seg1], 70_000) }, []string{"corrupt " + seg1}},
		{"flip in an epoch", false, func(o map[string]string) { o[epoch] = flip(o[epoch], 700) }, []string{"corrupt " + epoch}},
		{"flip in an index", false, func(o map[string]string) { o["index/000000.age"] = flip(o["index/000000.age"], 5) }, []string{"truncated index/000000.age"}},
		{"append", false, func(o map[string]string) { o[seg0] += "x" }, []string{"corrupt " + seg0}},
		{"truncate within a chunk", false, func(o map[string]string) { o[seg0] = o[seg0][:100_000] }, []string{"corrupt " + seg0}},
		{"truncate after a chunk", false, func(o map[string]string) { o[seg0] = o[seg0][:1627+16+65552+10] }, []string{"truncated " + seg0}},
		{"truncate in the header", false, func(o map[string]string) { o[seg0] = o[seg0][:500] }, []string{"truncated " + seg0}},
		{"truncate to nothing", false, func(o map[string]string) { o[seg0] = "" }, []string{"truncated " + seg0}},
		{"delete a segment", false, func(o map[string]string) { delete(o, seg0) }, []string{"missing " + seg0}},
		{"delete an epoch", false, func(o map[string]string) { delete(o, epoch) }, []string{"missing " + epoch}},
		{"delete the head", false, func(o map[string]string) { delete(o, "head") }, []string{"missing head"}},
		{"delete the log", false, func(o map[string]string) { delete(o, "log/0000") }, []string{"bad-log log/0000"}},
		{"swap two", false, func(o map[string]string) { o[seg0], o[seg1] = o[seg1], o[seg0] }, []string{"swapped " + seg0, "swapped " + seg1}},
		{"replay one", false, func(o map[string]string) { o[seg1] = o[seg0] }, []string{"swapped " + seg1}},
		{"segment of another recording", false, func(o map[string]string) { o[seg0] = other[seg0] }, []string{"corrupt " + seg0}},
		{"epoch of another recording", false, func(o map[string]string) { o[epoch] = other[epoch] }, []string{"corrupt " + epoch}},
		{"head of another recording", false, func(o map[string]string) { o["head"] = other["head"] }, []string{"bad-head head"}},
		{"log of another recording", false, func(o map[string]string) { o["log/0000"] = other["log/0000"] }, []string{"bad-log log"}},
		{"all of another recording", false, func(o map[string]string) { clear(o); maps.Copy(o, other) }, []string{"bad-head head"}},

		{"flip in the head's text", false, func(o map[string]string) { o["head"] = flip(o["head"], 50) }, []string{"bad-head head"}},
		{"flip in the signature", false, func(o map[string]string) { o["head"] = flip(o["head"], len(o["head"])-10) }, []string{"bad-head head"}},
		{"head too large", false, func(o map[string]string) { o["head"] += strings.Repeat("x", 1<<17) }, []string{"bad-head head"}},
		{"head empty", false, func(o map[string]string) { o["head"] = "" }, []string{"bad-head head"}},
		{"signed by a stranger of the same name", false, func(o map[string]string) { resign(o, logged(o), archive.StateClosed, stranger) }, []string{"foreign-signer head"}},
		{"flip in the log's hash", false, func(o map[string]string) { o["log/0000"] = strings.Replace(o["log/0000"], o["log/0000"][:1], "z", 1) }, []string{"bad-log log/0000"}},
		{"log edited to fit", false, func(o map[string]string) {
			o[seg0] = other[seg0]
			o["log/0000"] = strings.Replace(good["log/0000"], fmt.Sprintf("%x", sha256.Sum256([]byte(good[seg0]))), fmt.Sprintf("%x", sha256.Sum256([]byte(other[seg0]))), 1)
		}, []string{"bad-log log"}},
		{"log with a line less", false, func(o map[string]string) { o["log/0000"] = o["log/0000"][:strings.LastIndex(o["log/0000"], "\n")-60] }, []string{"bad-log log/0000"}},
		{"log with lines exchanged", false, func(o map[string]string) {
			lines := strings.SplitAfter(o["log/0000"], "\n")
			lines[1], lines[2] = lines[2], lines[1]
			o["log/0000"] = strings.Join(lines, "")
		}, []string{"bad-log log"}},
		{"log too large", false, func(o map[string]string) { o["log/0000"] = strings.Repeat(o["log/0000"], 400) }, []string{"bad-log log/0000"}},
		{"log with a line more", false, func(o map[string]string) {
			o["log/0000"] += strings.Repeat("0", 64) + "  segments/000003.age\n"
		}, []string{"added log/0000"}},
		{"second log file", false, func(o map[string]string) { o["log/0001"] = o["log/0000"] }, []string{"added log/0001"}},
		{"order signed by a careless recorder", false, func(o map[string]string) {
			e := logged(o)
			slices.Reverse(e)
			resign(o, e, archive.StateClosed, s)
		}, []string{"bad-log log"}},

		{"added segment", false, func(o map[string]string) { o["segments/000003.age"] = o[seg0] }, []string{"added segments/000003.age"}},
		{"added part", false, func(o map[string]string) { o[seg0+".part"] = "x" }, []string{"added " + seg0 + ".part"}},
		{"added stranger", false, func(o map[string]string) { o["readme.txt"] = "x" }, []string{"added readme.txt"}},
		{"a share", false, func(o map[string]string) { o[archive.ShareName([]byte("x"))] = "x" }, nil},
		{"a damaged share", false, func(o map[string]string) { o[archive.ShareName([]byte("x"))] = "y" }, []string{"corrupt " + archive.ShareName([]byte("x"))}},
		{"added odd share", false, func(o map[string]string) { o["shares/me.age"] = "x" }, []string{"added shares/me.age"}},
		{"open: the next segment", true, func(o map[string]string) { o["segments/000003.age"] = "x" }, nil},
		{"open: a part", true, func(o map[string]string) { o["segments/000003.age.part"] = "x" }, nil},
		{"open: another line", true, func(o map[string]string) {
			o["log/0000"] += strings.Repeat("0", 64) + "  segments/000003.age\n"
		}, nil},
		{"open: an earlier segment again", true, func(o map[string]string) { o["segments/000001-torn.age"] = "x" }, []string{"added segments/000001-torn.age"}},
		{"open: a stranger", true, func(o map[string]string) { o["readme.txt"] = "x" }, []string{"added readme.txt"}},
		{"several at once", false, func(o map[string]string) {
			delete(o, seg0)
			o[seg1] = ""
			o["index/000001.age"] = "x"
		}, []string{"added index/000001.age", "missing " + seg0, "truncated " + seg1}},
	}
	for i := range sample.Cases(t, len(tests), 20) {
		test := tests[i]
		for _, kind := range []string{"mem", "dir", "quick"} {
			t.Run(test.name+"/"+kind, func(t *testing.T) {
				id, objects := id, maps.Clone(good)
				if test.open {
					id, objects = openID, maps.Clone(live)
				}
				test.tamper(objects)
				var store archive.Store = new(storetest.Mem)
				verify := archive.Verify
				switch kind {
				case "dir":
					store = openDir(t, t.TempDir())
				case "quick":
					// As from the command, through Retry.
					store = archive.Retry(summer{new(storetest.Mem)}, archive.RetryConfig{})
					verify = archive.VerifyQuick
				}
				fill(t, store, id, objects)

				var got []string
				report, err := verify(t.Context(), store, id, archive.Options{Verifiers: s.verifiers}, func(p archive.Problem) {
					got = append(got, p.Kind+" "+p.Object)
					if p.Text == "" {
						t.Errorf("no text: %v", p)
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				slices.Sort(got)
				if !slices.Equal(got, test.want) {
					t.Errorf("problems %q, want %q", got, test.want)
				}
				if report.Problems != len(got) || report.OK() != (len(got) == 0) {
					t.Errorf("report %+v", report)
				}
				if test.want == nil && (report.Objects != 5 || len(report.CannotRuleOut) == 0) {
					t.Errorf("report %+v", report)
				}
				// Quickly, only the index is read: summer knows nothing of it.
				if unread, bytes := report.Unread, report.Bytes; test.want == nil &&
					(kind == "quick" && (unread != 4 || bytes > 10_000) || kind != "quick" && (unread != 0 || bytes < 450_000)) {
					t.Errorf("report %+v", report)
				}
				if test.open && test.tamper != nil && strings.HasPrefix(test.name, "open: the") && len(report.Tail) != 1 {
					t.Errorf("tail %v", report.Tail)
				}

				// What Verify finds in head and log, Open refuses; what it finds in
				// an object, reading refuses.
				o := archive.Options{Verifiers: s.verifiers, Identities: []age.Identity{reader}}
				r, err := archive.Open(t.Context(), store, id, o)
				bad := slices.ContainsFunc(test.want, func(w string) bool {
					return strings.HasPrefix(w, "bad-") || strings.HasPrefix(w, "foreign") || w == "missing head"
				})
				if (err != nil) != bad {
					t.Errorf("Open: %v", err)
				}
				if err != nil {
					return
				}
				for n := range 3 {
					name := fmt.Sprintf("segments/%06d.age", n)
					damaged := slices.ContainsFunc(test.want, func(w string) bool {
						return strings.HasSuffix(w, " "+name) || strings.HasSuffix(w, " "+epoch)
					})
					got, err := r.ReadSegment(t.Context(), n)
					var corrupt *archive.CorruptError
					if damaged && (!errors.As(err, &corrupt) || got != nil) {
						t.Errorf("%s: %d bytes, %v, want a CorruptError", name, len(got), err)
					}
					if !damaged && (err != nil || !bytes.Equal(got, content(n, 150_000))) {
						t.Errorf("%s: %d bytes, %v", name, len(got), err)
					}
				}
			})
		}
	}
}

// Any flipped bit, anywhere, of any object.
func TestVerifyEveryByte(t *testing.T) {
	t.Parallel()
	s := newSigner(t, "recorder")
	id, good := recordSmall(t, s)
	mem := new(storetest.Mem)
	fill(t, mem, id, good)
	for name, data := range good {
		for i := 0; i < len(data); i += 1 + len(data)/400 {
			mem.Set(id+"/"+name, []byte(flip(data, i)))
			r, err := archive.Verify(t.Context(), mem, id, archive.Options{Verifiers: s.verifiers}, nil)
			if err != nil || r.OK() {
				t.Errorf("%s: flipping bit 0 of byte %d is not noticed, %v", name, i, err)
			}
		}
		mem.Set(id+"/"+name, []byte(data))
	}
}

// recordSmall makes a recording with little in it.
func recordSmall(t testing.TB, s signer) (string, map[string]string) {
	t.Helper()
	spool := t.TempDir()
	w := create(t, spool, archive.Config{Signer: s}, hybrid(t).Recipient())
	commit(t, begin(t, w, archive.Segment, []byte("small")))
	closeWriter(t, w)
	objects := files(t, filepath.Join(spool, w.ID()))
	delete(objects, ".lock")
	return w.ID(), objects
}

// What the store answers is no verdict on the recording.
func TestVerifyStoreFails(t *testing.T) {
	s := newSigner(t, "recorder")
	id, good := recordSmall(t, s)
	broken := errors.New("broken")
	for _, test := range []struct {
		name string
		err  error
		kind string // of the problem, or "" for an error
	}{
		{"segments/000000.age", broken, "unreadable"},
		{"segments/000000.age", archive.ErrDenied, "unreadable"}, // the head is not
		{"segments/000000.age", archive.ErrNoStore, ""},
		{"log/0000", archive.ErrDenied, "bad-log"},
		{"", archive.ErrDenied, ""},
		{"log/0000", broken, ""},
		{"head", broken, ""},
	} {
		mem := new(storetest.Mem)
		fill(t, mem, id, good)
		mem.OnGet = func(name string, data []byte) ([]byte, error) {
			if strings.HasPrefix(name, id+"/"+test.name) {
				return nil, test.err
			}
			return data, nil
		}
		var kinds []string
		_, err := archive.Verify(t.Context(), mem, id, archive.Options{Verifiers: s.verifiers}, func(p archive.Problem) { kinds = append(kinds, p.Kind) })
		if test.kind == "" && (!errors.Is(err, test.err) || len(kinds) > 0) || test.kind != "" && (err != nil || !slices.Equal(kinds, []string{test.kind})) {
			t.Errorf("%s fails with %v: %q, %v", test.name, test.err, kinds, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	mem := new(storetest.Mem)
	fill(t, mem, id, good)
	mem.OnGet = func(name string, data []byte) ([]byte, error) {
		if strings.HasSuffix(name, ".age") {
			cancel()
		}
		return data, nil
	}
	if _, err := archive.Verify(ctx, mem, id, archive.Options{Verifiers: s.verifiers}, func(p archive.Problem) { t.Error(p) }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	for _, id := range []string{archive.NewID(), "nonsense"} {
		if _, err := archive.Verify(t.Context(), mem, id, archive.Options{Verifiers: s.verifiers}, nil); err == nil || len(id) == 26 && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("no such recording: %v", err)
		}
		if _, err := archive.Open(t.Context(), mem, id, archive.Options{Verifiers: s.verifiers}); err == nil || len(id) == 26 && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("no such recording: %v", err)
		}
	}
}

// A reader remembers what they saw.
func TestHeadMemory(t *testing.T) {
	s := newSigner(t, "recorder")
	spool := t.TempDir()
	w := create(t, spool, archive.Config{Signer: s}, hybrid(t).Recipient())
	states := []map[string]string{files(t, filepath.Join(spool, w.ID()))}
	for range 2 {
		commit(t, begin(t, w, archive.Segment, []byte("x")))
		states = append(states, files(t, filepath.Join(spool, w.ID())))
	}
	closeWriter(t, w)
	states = append(states, files(t, filepath.Join(spool, w.ID())))
	for _, o := range states {
		delete(o, ".lock")
	}
	// Another recorder with the same key that says something else.
	forked := func(n int, state archive.State) map[string]string {
		var entries []archive.Entry
		objects := make(map[string]string)
		for i := range n {
			name := "epochs/000001.age"
			if i > 0 {
				name = fmt.Sprintf("segments/%06d.age", i-1)
			}
			objects[name] = "forged"
			entries = append(entries, archive.Entry{Name: name, SHA256: sha256.Sum256([]byte("forged"))})
		}
		log, head, err := archive.Forge(w.ID(), entries, state, s)
		if err != nil {
			t.Fatal(err)
		}
		objects["log/0000"], objects["head"] = string(log), string(head)
		return objects
	}

	// And one that goes on after the end.
	after := func(state archive.State, more ...archive.Entry) map[string]string {
		objects := maps.Clone(states[3])
		log, head, err := archive.Forge(w.ID(), append(logged(states[3]), more...), state, s)
		if err != nil {
			t.Fatal(err)
		}
		objects["log/0000"], objects["head"] = string(log), string(head)
		for _, e := range more {
			objects[e.Name] = "more"
		}
		return objects
	}
	more := archive.Entry{Name: "segments/000002.age", SHA256: sha256.Sum256([]byte("more"))}

	for _, test := range []struct {
		name        string
		first, then map[string]string
		want        string // "", rolled-back or forked
	}{
		{"same", states[1], states[1], ""},
		{"grown", states[0], states[2], ""},
		{"closed", states[2], states[3], ""},
		{"grown and closed", states[0], states[3], ""},
		{"smaller", states[2], states[1], "rolled-back"},
		{"smaller than closed", states[3], states[1], "rolled-back"},
		{"opened again", states[3], states[2], "rolled-back"},
		{"other log, same size", states[2], forked(3, archive.StateOpen), "forked"},
		{"other log, larger", states[1], forked(3, archive.StateOpen), "forked"},
		{"other log, closed", states[1], forked(3, archive.StateClosed), "forked"},
		{"closed, then more", states[3], forked(4, archive.StateClosed), "forked"},
		{"closed, then cut", states[3], after(archive.StateCut), "forked"},
		{"closed, then more of it", states[3], after(archive.StateClosed, more), "forked"},
		{"cut", states[2], after(archive.StateCut), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			memory := filepath.Join(t.TempDir(), "heads")
			first, then := new(storetest.Mem), new(storetest.Mem)
			fill(t, first, w.ID(), test.first)
			fill(t, then, w.ID(), test.then)
			o := archive.Options{Verifiers: s.verifiers, Heads: archive.HeadDir(memory)}
			if _, err := archive.Open(t.Context(), first, w.ID(), o); err != nil {
				t.Fatal(err)
			}
			before := files(t, memory)

			var kinds []string
			if _, err := archive.Verify(t.Context(), then, w.ID(), o, func(p archive.Problem) { kinds = append(kinds, p.Kind) }); err != nil {
				t.Fatal(err)
			}
			if want := strings.Fields(test.want); !slices.Equal(kinds, want) {
				t.Errorf("Verify: %q, want %q", kinds, want)
			}
			_, err := archive.Open(t.Context(), then, w.ID(), o)
			var back *archive.RollbackError
			var fork *archive.ForkError
			if errors.As(err, &back) != (test.want == "rolled-back") || errors.As(err, &fork) != (test.want == "forked") || (err == nil) != (test.want == "") {
				t.Errorf("Open: %v, want %q", err, test.want)
			}
			if after := files(t, memory); maps.Equal(before, after) == (test.want == "" && test.name != "same") {
				t.Errorf("memory before %q, after %q", before, after)
			}
		})
	}

	// A memory that is damaged is not an empty one.
	memory := t.TempDir()
	if err := os.WriteFile(filepath.Join(memory, w.ID()), []byte("?"), 0o600); err != nil {
		t.Fatal(err)
	}
	mem := new(storetest.Mem)
	fill(t, mem, w.ID(), states[3])
	if _, err := archive.Open(t.Context(), mem, w.ID(), archive.Options{Verifiers: s.verifiers, Heads: archive.HeadDir(memory)}); err == nil {
		t.Error("a damaged memory went unnoticed")
	}
}
