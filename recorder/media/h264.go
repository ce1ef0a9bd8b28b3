package media

import "encoding/binary"

// NAL unit types of H.264, table 7-1.
const (
	h264IDR = 5
	h264SPS = 7
	h264PPS = 8
)

func describeH264(frame []byte) (p Picture) {
	var sps, pps [][]byte
	for nal := range nals(frame) {
		switch nal[0] & 0x1f {
		case h264IDR:
			p.Key = true
		case h264SPS:
			sps = append(sps, nal)
		case h264PPS:
			pps = append(pps, nal)
		}
	}
	if len(sps) > 0 {
		p.Width, p.Height, _ = h264Size(sps[0])
		p.Private = avcC(sps, pps)
	}
	return p
}

// avcC returns the AVCDecoderConfigurationRecord (ISO/IEC 14496-15, section
// 5.3.3.1), empty if the parameter sets make none.
func avcC(sps, pps [][]byte) string {
	if len(pps) == 0 || len(sps) > 31 || len(pps) > 255 || len(sps[0]) < 4 {
		return ""
	}
	b := []byte{1, sps[0][1], sps[0][2], sps[0][3], 0xfc | 3, 0xe0 | byte(len(sps))}
	for _, s := range sps {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
	}
	b = append(b, byte(len(pps)))
	for _, s := range pps {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
	}
	if profile := sps[0][1]; profile != 66 && profile != 77 && profile != 88 { // High and above
		_, _, chroma := h264Size(sps[0])
		b = append(b, 0xfc|chroma.format, 0xf8|chroma.luma, 0xf8|chroma.chroma, 0)
	}
	if len(b) > MaxPrivate {
		return ""
	}
	return string(b)
}

// A chroma holds chroma_format_idc and the bit depths over eight.
type chroma struct{ format, luma, chroma byte }

// h264Size reads a sequence parameter set (H.264, section 7.3.2.1.1) up to the
// picture's size, which is 0 if it is malformed.
func h264Size(sps []byte) (width, height int, c chroma) {
	c.format = 1
	r := &bitReader{data: rbsp(sps)}
	r.skip(8)
	profile := r.bits(8)
	r.skip(16)
	r.ue() // seq_parameter_set_id
	separate := false
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		c.format = byte(r.ue() & 3)
		if c.format == 3 {
			separate = r.flag()
		}
		c.luma, c.chroma = byte(r.ue()&7), byte(r.ue()&7)
		r.skip(1)
		if r.flag() { // seq_scaling_matrix_present_flag
			lists := 8
			if c.format == 3 {
				lists = 12
			}
			for i := range lists {
				if r.flag() {
					n := 16
					if i >= 6 {
						n = 64
					}
					skipScalingList(r, n)
				}
			}
		}
	}
	r.ue() // log2_max_frame_num_minus4
	switch r.ue() {
	case 0:
		r.ue()
	case 1:
		r.skip(1)
		r.se()
		r.se()
		for n := r.ue(); n > 0 && !r.short; n-- {
			r.se()
		}
	}
	r.ue() // max_num_ref_frames
	r.skip(1)
	w := r.ue() + 1
	h := r.ue() + 1
	fields := 1
	if !r.flag() { // frame_mbs_only_flag
		fields = 2
		r.skip(1)
	}
	r.skip(1)
	var left, right, top, bottom int
	if r.flag() {
		left, right, top, bottom = r.ue(), r.ue(), r.ue(), r.ue()
	}
	if r.short || w > 1<<12 || h > 1<<12 {
		return 0, 0, c
	}
	unitX, unitY := 1, fields
	if !separate && (c.format == 1 || c.format == 2) {
		unitX = 2
	}
	if !separate && c.format == 1 {
		unitY *= 2
	}
	return cropped(16*w, 16*h*fields, (left+right)*unitX, (top+bottom)*unitY, c)
}

// cropped returns a size less what is cut off; 0 if nothing is left.
func cropped(w, h, x, y int, c chroma) (int, int, chroma) {
	if x < 0 || y < 0 || x >= w || y >= h {
		return 0, 0, c
	}
	return w - x, h - y, c
}

func skipScalingList(r *bitReader, n int) {
	last, next := 8, 8
	for range n {
		if next != 0 {
			next = (last + r.se() + 256) & 0xff
		}
		if next != 0 {
			last = next
		}
	}
}
