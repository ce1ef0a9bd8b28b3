package machine

import (
	"path/filepath"
	"slices"
	"testing"
)

func TestDiskSwaps(t *testing.T) {
	const head = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
	for _, tt := range []struct {
		swaps string
		want  []string
	}{
		{head, nil},
		{"", nil},
		{head + "/dev/zram0                              partition\t8131580\t\t0\t\t100\n", nil},
		{head + "/dev/zram0 partition\t1\t0\t100\n/dev/dm-1                               partition\t999420\t\t0\t\t-2\n/swapfile\tfile\t1\t0\t-3\n",
			[]string{"/dev/dm-1", "/swapfile"}},
	} {
		if got := diskSwaps(tt.swaps); !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q, want %q", tt.swaps, got, tt.want)
		}
	}
}

func TestFreeSpace(t *testing.T) {
	if free, err := FreeSpace(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Errorf("%d bytes free in a folder that is missing", free)
	}
}
