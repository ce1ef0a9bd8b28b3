package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/minio/minio-go/v7"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/archive/storetest"
)

// A bucketOwner is who can do anything with the bucket: the attacker.
type bucketOwner struct {
	t  testing.TB
	s  *Store
	id string
}

func (o bucketOwner) get(name string) []byte {
	o.t.Helper()
	r, err := o.s.Get(context.Background(), o.id+"/"+name, 0, -1)
	if err != nil {
		o.t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		o.t.Fatal(err)
	}
	return data
}

func (o bucketOwner) put(name string, data []byte) {
	o.t.Helper()
	b := archive.BytesBlob(data)
	b.Replace = true
	if err := o.s.Put(context.Background(), o.id+"/"+name, b); err != nil {
		o.t.Fatal(err)
	}
}

func (o bucketOwner) remove(name string) {
	o.t.Helper()
	if err := o.s.Delete(context.Background(), o.id+"/"+name); err != nil {
		o.t.Fatal(err)
	}
}

// sign replaces the log and the head by ones that name the given objects.
func (o bucketOwner) sign(by note.Signer, state string, names ...string) {
	o.t.Helper()
	var log strings.Builder
	var leaves []tlog.Hash
	for _, name := range names {
		line := fmt.Sprintf("%x  %s", sha256.Sum256(o.get(name)), name)
		log.WriteString(line + "\n")
		leaves = append(leaves, tlog.RecordHash([]byte(line)))
	}
	root := treeHash(leaves)
	head, err := note.Sign(&note.Note{Text: fmt.Sprintf("sealtape.v1/%s\n%d\n%s\nstate: %s\n",
		o.id, len(names), base64.StdEncoding.EncodeToString(root[:]), state)}, by)
	if err != nil {
		o.t.Fatal(err)
	}
	o.put("log/0000", []byte(log.String()))
	o.put("head", head)
}

// treeHash is RFC 6962, section 2.1.
func treeHash(leaves []tlog.Hash) tlog.Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	return tlog.NodeHash(treeHash(leaves[:k]), treeHash(leaves[k:]))
}

func newSigner(t testing.TB) (note.Signer, note.Verifiers) {
	t.Helper()
	s, v := storetest.SigningKeys(t, "recorder")
	return s, note.VerifierList(v)
}

// recordThree records three segments into a folder.
func recordThree(t testing.TB, signer note.Signer) (id string, spool archive.Store) {
	t.Helper()
	return recordThreeOf(t, signer, 100_000)
}

// recordThreeOf is recordThree with segments of so many bytes, and some more.
func recordThreeOf(t testing.TB, signer note.Signer, size int) (id string, spool archive.Store) {
	t.Helper()
	folder := t.TempDir()
	reader, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	w, err := archive.Create(folder, archive.Config{Signer: signer})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.StartEpoch([]age.Recipient{reader.Recipient()}); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		o, err := w.Create(archive.Segment)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Write(bytes.Repeat([]byte{byte(i)}, size)); err != nil {
			t.Fatal(err)
		}
		if err := o.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := dir.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return w.ID(), s
}

// Every way of tampering with a bucket, and what Verify and VerifyQuick call it.
func TestVerify(t *testing.T) {
	t.Parallel()
	signer, verifiers := newSigner(t)
	stranger, _ := newSigner(t)
	id, spool := recordThree(t, signer)
	otherID, otherSpool := recordThree(t, signer)
	elsewhere := open(t, config(t))
	if err := archive.Copy(t.Context(), elsewhere, otherSpool, otherID); err != nil {
		t.Fatal(err)
	}
	other := bucketOwner{t, elsewhere, otherID}
	const epoch, seg0, seg1, seg2 = "epochs/000001.age", "segments/000000.age", "segments/000001.age", "segments/000002.age"

	for _, test := range []struct {
		name   string
		tamper func(o bucketOwner)
		want   []string // kind and object of each problem
	}{
		{"nothing", func(o bucketOwner) {}, nil},
		{"flipped bit", func(o bucketOwner) {
			data := o.get(seg1)
			data[50_000] ^= 1
			o.put(seg1, data)
		}, []string{"corrupt " + seg1}},
		{"flipped bit, epoch", func(o bucketOwner) {
			data := o.get(epoch)
			data[500] ^= 1
			o.put(epoch, data)
		}, []string{"corrupt " + epoch}},
		{"missing", func(o bucketOwner) { o.remove(seg1) }, []string{"missing " + seg1}},
		{"truncated", func(o bucketOwner) { o.put(seg1, o.get(seg1)[:500]) }, []string{"truncated " + seg1}},
		{"added", func(o bucketOwner) { o.put("segments/000003.age", o.get(seg1)) }, []string{"added segments/000003.age"}},
		{"swapped", func(o bucketOwner) {
			a, b := o.get(seg0), o.get(seg1)
			o.put(seg0, b)
			o.put(seg1, a)
		}, []string{"swapped " + seg0, "swapped " + seg1}},
		{"replayed", func(o bucketOwner) { o.put(seg2, o.get(seg0)) }, []string{"swapped " + seg2}},
		{"of another recording", func(o bucketOwner) { o.put(seg0, other.get(seg0)) }, []string{"corrupt " + seg0}},
		{"head of another recording", func(o bucketOwner) { o.put("head", other.get("head")) }, []string{"bad-head head"}},
		{"rolled back", func(o bucketOwner) {
			o.sign(signer, "open", epoch, seg0)
		}, []string{"rolled-back head"}},
		{"forked", func(o bucketOwner) {
			o.put(seg2, other.get(seg2))
			o.sign(signer, "closed", epoch, seg0, seg1, seg2)
		}, []string{"forked head"}},
		{"log that disagrees", func(o bucketOwner) {
			lines := bytes.SplitAfter(o.get("log/0000"), []byte("\n"))
			o.put("log/0000", slices.Concat(lines[0], lines[1], lines[3], lines[2]))
		}, []string{"bad-log log"}},
		{"foreign signer", func(o bucketOwner) {
			o.sign(stranger, "closed", epoch, seg0, seg1, seg2)
		}, []string{"foreign-signer head"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, config(t))
			if err := archive.Copy(t.Context(), s, spool, id); err != nil {
				t.Fatal(err)
			}
			options := archive.Options{Verifiers: verifiers, Heads: archive.HeadDir(t.TempDir())}
			if r, err := archive.Verify(t.Context(), s, id, options, nil); err != nil || !r.OK() || r.Objects != 4 {
				t.Fatalf("before: %+v, %v", r, err)
			}
			test.tamper(bucketOwner{t, s, id})
			for name, verify := range map[string]func(context.Context, archive.Store, string, archive.Options, func(archive.Problem)) (archive.Report, error){
				"full": archive.Verify, "quick": archive.VerifyQuick,
			} {
				var got []string
				r, err := verify(t.Context(), s, id, options, func(p archive.Problem) { got = append(got, p.Kind+" "+p.Object) })
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				slices.Sort(got)
				if !slices.Equal(got, test.want) {
					t.Errorf("%s: problems %q, want %q", name, got, test.want)
				}
				if name == "quick" && r.Bytes != 0 || test.want == nil && name == "quick" && r.Unread != 4 {
					t.Errorf("quick: %d bytes read, %d objects unread", r.Bytes, r.Unread)
				}
			}
		})
	}
}

// The server tells the hash of what was put with one, and no other.
func TestStat(t *testing.T) {
	s := open(t, config(t))
	b := archive.BytesBlob([]byte("content"))
	if err := s.Put(t.Context(), "a", b); err != nil {
		t.Fatal(err)
	}
	if info, err := s.Stat(t.Context(), "a"); err != nil || info.Size != b.Size || info.SHA256 != b.SHA256 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := s.core.Client.PutObject(t.Context(), bucket, s.prefix+"b", strings.NewReader("content"), 7,
		minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if info, err := s.Stat(t.Context(), "b"); err != nil || info.SHA256 != [sha256.Size]byte{} {
		t.Errorf("put by another, without a hash: %v, %v", info, err)
	}
}
