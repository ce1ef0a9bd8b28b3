package words

import (
	"testing"
	"time"
)

func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.0s", 5300 * time.Millisecond: "5.3s", 59_949 * time.Millisecond: "59.9s", 59_999 * time.Millisecond: "1:00",
		65 * time.Second: "1:05", time.Hour - 1: "1:00:00", 2*time.Hour + 3*time.Minute + 4*time.Second: "2:03:04", 100 * time.Hour: "100:00:00",
	} {
		if got := Length(d); got != want {
			t.Errorf("Length(%v) = %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 4_200_000_000: "4.2 GB", 1 << 62: "4611686.0 TB"} {
		if got := Size(n); got != want {
			t.Errorf("Size(%d) = %q, want %q", n, got, want)
		}
	}
	for want, names := range map[string][]string{"none": nil, "a, b": {"a", "b"}, "1, 2, 3, 4, 5 and 2 more": {"1", "2", "3", "4", "5", "6", "7"}} {
		if got := Few(names); got != want {
			t.Errorf("Few(%q) = %q, want %q", names, got, want)
		}
	}
	if Count(1, "track") != "1 track" || Count(0, "track") != "0 tracks" {
		t.Error("Count is wrong")
	}
	if People(1) != "1 person" || People(0) != "0 people" {
		t.Error("People is wrong")
	}
}
