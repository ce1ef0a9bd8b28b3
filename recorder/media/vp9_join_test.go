package media_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/recorder/media"
)

// layersFixture is what LiveKit's native SDK 1.1.0 sent of package testdata/native's
// pictures, 960x540, as VP9 in three spatial layers (L3T3_KEY), decrypted: a key
// picture of three layers and two pictures of the highest one, a frame for each,
// with the number of its picture as its time.
const layersFixture = "testdata/vp9-layers.ivf"

// readIVF returns the frames of an IVF file by their time.
func readIVF(t *testing.T, name string) (pictures [][][]byte) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for b = b[32:]; len(b) > 0; {
		size, at := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint64(b[4:])
		if at == uint64(len(pictures)) {
			pictures = append(pictures, nil)
		}
		pictures[at] = append(pictures[at], b[12:12+size])
		b = b[12+size:]
	}
	return pictures
}

// writeIVF writes frames of VP9, of which the header does not say how large they are.
func writeIVF(t *testing.T, frames [][]byte) (name string) {
	t.Helper()
	b := []byte("DKIF\x00\x00\x20\x00VP90\x10\x00\x10\x00\x14\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	for i, f := range frames {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(f)))
		b = binary.LittleEndian.AppendUint64(b, uint64(i))
		b = append(b, f...)
	}
	name = filepath.Join(t.TempDir(), "a.ivf")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// shown returns the size and the hash of each picture that FFmpeg shows of a file.
func shown(t *testing.T, file string) (sizes, hashes []string) {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-of", "csv=p=0", "-show_entries", "frame=width,height", file).Output()
	if err != nil {
		t.Fatalf("ffprobe: %v", err)
	}
	sizes = strings.Fields(string(out))
	out, err = exec.Command("ffmpeg", "-v", "error", "-i", file, "-vf", "scale=960:540", "-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "framemd5", "-").Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); !strings.HasPrefix(line, "#") {
			hashes = append(hashes, f[len(f)-1])
		}
	}
	return sizes, hashes
}

// TestVP9LayersAreOnePicture: of a picture in three spatial layers FFmpeg shows the
// highest, as it is, and nothing else.
func TestVP9LayersAreOnePicture(t *testing.T) {
	pictures := readIVF(t, layersFixture)
	_, want := shown(t, writeIVF(t, slices.Concat(pictures...)))
	var j media.VP9Joiner
	var joined [][]byte
	for _, layers := range pictures {
		before := bytes.Join(layers, nil)
		joined = append(joined, j.Join(layers))
		if !bytes.Equal(bytes.Join(layers, nil), before) {
			t.Error("the layers were changed")
		}
	}
	sizes, got := shown(t, writeIVF(t, joined))
	if !slices.Equal(sizes, []string{"960,540", "960,540", "960,540"}) {
		t.Errorf("the sizes are %q", sizes)
	}
	if len(want) != 5 || !slices.Equal(got, want[2:]) {
		t.Errorf("the pictures are %q, want the last three of %q", got, want)
	}
	if p := media.Describe(media.VP9, joined[0]); !p.Key || p.Width != 960 || p.Height != 540 {
		t.Errorf("the key picture is %+v", p)
	}
}

// TestVP9LowerLayersOfAnyPicture: layers that take their size from a reference are
// hidden as well, once the sizes of the references are known.
func TestVP9LowerLayersOfAnyPicture(t *testing.T) {
	pictures := readIVF(t, layersFixture)
	key, upper := pictures[0], pictures[1][0]
	// An uncompressed header, made by hand: shown, refers to frame 5 three times and
	// is as large as it, no deltas, no segments, and a compressed header of one byte.
	lower := packBits("10 00 0 1 1 1  00000000  101 0 101 0 101 0  1  0  0  1  00  000000 000 0  00100000 000  0  0  0000000000000001")
	lower = append(lower, 0x77, 0x88)
	hidden := packBits("10 00 0 1 0 1 0  00000000  101 0 101 0 101 0  1  0  0  1  00  000000 000 0  00100000 000  0  0  0000000000000001")
	hidden = append(hidden, 0x77, 0x88)
	for _, tt := range []struct {
		name   string
		before [][]byte
		want   []byte
	}{
		{"after a key picture", key, hidden},
		{"at the beginning", nil, lower},
	} {
		var j media.VP9Joiner
		j.Join(tt.before)
		if got := j.Join([][]byte{lower, upper}); !bytes.HasPrefix(got, tt.want) {
			t.Errorf("%s: % x begins with % x, want % x", tt.name, lower, got[:len(tt.want)], tt.want)
		}
		if got := j.Join([][]byte{lower}); !bytes.Equal(got, lower) {
			t.Errorf("%s: a layer alone becomes % x", tt.name, got)
		}
	}
}

// packBits returns the bits of a text of 0, 1 and spaces, filled up with zeros.
func packBits(text string) (b []byte) {
	bits := strings.ReplaceAll(text, " ", "")
	for i := range bits {
		if i%8 == 0 {
			b = append(b, 0)
		}
		b[i/8] |= (bits[i] - '0') << (7 - i%8)
	}
	return b
}

// FuzzVP9Joiner: whatever layers come, they are joined within bounds and not
// changed, and each takes at most a byte more.
func FuzzVP9Joiner(f *testing.F) {
	b, err := os.ReadFile(layersFixture)
	if err != nil {
		f.Fatal(err)
	}
	var layers [][]byte
	for b = b[32:]; len(b) > 0; {
		size := binary.LittleEndian.Uint32(b)
		layers = append(layers, b[12:12+size])
		b = b[12+size:]
	}
	f.Add(layers[0], layers[1], layers[2])
	f.Add(layers[2], layers[3], layers[4])
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		layers := [][]byte{a, b, c}
		before := bytes.Join(layers, nil)
		var j media.VP9Joiner
		for range 2 { // the second time the sizes of the references are known
			joined := j.Join(layers)
			if len(joined) > len(before)+8+2+8*4 {
				t.Fatalf("%d bytes become %d", len(before), len(joined))
			}
			media.Describe(media.VP9, joined)
		}
		if !bytes.Equal(bytes.Join(layers, nil), before) {
			t.Fatal("the layers were changed")
		}
	})
}
