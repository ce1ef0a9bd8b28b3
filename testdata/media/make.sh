#!/bin/sh
# Makes the media fixtures again. Needs Debian's espeak-ng, ffmpeg and
# fonts-dejavu-core. The encoders are not bit-exact between versions: the files
# committed are the ones that count, and tests hold only what media.go says.
set -eu
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# speech FILE VOICE PITCH TEXT: ten seconds of 48 kHz mono Opus, 20 ms packets,
# one packet a page. Silence at the end makes the loop seamless.
speech() {
	espeak-ng -v "$2" -p "$3" -s 150 -w "$tmp/speech.wav" "$4"
	ffmpeg -nostdin -v error -y -i "$tmp/speech.wav" -af "loudnorm=I=-20,aresample=48000,apad" -t 9.9935 -ac 1 -map_metadata -1 -fflags +bitexact \
		-c:a libopus -b:a 28k -application voip -frame_duration 20 -page_duration 20000 "$1"
}

# picture FILE SOURCE RATE BITRATE ENCODER...: ten seconds with a running clock,
# a key frame every 2 s, no hidden frames (one encoded frame is one picture).
picture() {
	file=$1 source=$2 rate=$3 bits=$4
	shift 4
	font=/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf
	ffmpeg -nostdin -v error -y -f lavfi -i "$source" -t 10 -fflags +bitexact \
		-vf "drawtext=fontfile=$font:text='%{pts\:hms}':fontsize=h/6:fontcolor=white:box=1:boxcolor=black@0.7:boxborderw=8:x=(w-tw)/2:y=h*0.72,format=yuv420p" \
		"$@" -b:v "$bits" -maxrate "$bits" -bufsize "$bits" -g $((rate * 2)) -keyint_min $((rate * 2)) "$file"
}

# clock FILE SIZE RATE BITRATE FILTER: VP8.
clock() {
	picture "$1" "$5" "$3" "$4" -c:v libvpx -auto-alt-ref 0 -lag-in-frames 0 -deadline good -cpu-used 0
}

speech speech.ogg en-gb 45 "Good morning. This room is encrypted from end to end, and so is the recording. Only the people in this meeting can open it again."
speech speech2.ogg en-us+f3 60 "Thank you. I can see the recorder in the list of members, and my own key is among its readers. Then let us begin."
clock clock.ivf 320x180 20 220k "testsrc2=size=320x180:rate=20"
clock clock2.ivf 320x180 20 220k "testsrc=size=320x180:rate=20,hue=h=140:s=1.2,hflip"
clock screen.ivf 640x360 5 120k "smptehdbars=size=640x360:rate=5"

# The same clock in other codecs. H.264 and H.265 have parameter sets before each
# key frame, one slice a frame and nothing else.
same="testsrc2=size=320x180:rate=20"
picture clock.h264 "$same" 20 120k -c:v libx264 -profile:v baseline -tune zerolatency -x264-params scenecut=0:sliced-threads=0:threads=1:aud=0 -bsf:v filter_units=remove_types=6
picture clock.h265 "$same" 20 120k -c:v libx265 -preset fast -tune zerolatency -x265-params scenecut=0:info=0:repeat-headers=1:open-gop=0:bframes=0:log-level=none -bsf:v filter_units=remove_types=39-40
picture clock-vp9.ivf "$same" 20 120k -c:v libvpx-vp9 -auto-alt-ref 0 -lag-in-frames 0 -deadline good -cpu-used 4
picture clock-av1.ivf "$same" 20 120k -c:v libaom-av1 -usage realtime -cpu-used 8 -lag-in-frames 0

# flash FILE WIDTH HEIGHT SECONDS NUMBER ENCODER...: a picture for measuring, 20 a
# second: white in the first 100 ms of each second, else the time on a plain
# ground. The lowest 32 of 360 lines are 20 blocks, black for 0 and white for 1:
# twelve bits count the pictures, four are the fixture's number, and four the sum
# of the four digits before, and of 5.
flash() {
	file=$1 width=$2 height=$3 seconds=$4 number=$5
	shift 5
	font=/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf
	bit="if(lt(X,12),floor(N/pow(2,11-X)),if(lt(X,16),floor($number/pow(2,15-X)),floor(mod(floor(N/256)+mod(floor(N/16),16)+mod(N,16)+$number+5,16)/pow(2,19-X))))"
	ffmpeg -nostdin -v error -y -f lavfi -i "color=0x24505f:size=${width}x${height}:rate=20:duration=$seconds" \
		-f lavfi -i "nullsrc=size=20x1:rate=20:duration=$seconds,format=gray,geq=lum='16+219*mod($bit,2)',scale=${width}:$((height * 32 / 360)):flags=neighbor:in_range=tv:out_range=tv,format=yuv420p" \
		-filter_complex "[0:v]drawtext=fontfile=$font:text='%{pts\:hms}':fontsize=h/6:fontcolor=white:x=(w-tw)/2:y=h*0.4,drawbox=color=white:t=fill:enable='lt(mod(n,20),2)',format=yuv420p[p];[p][1:v]overlay=0:H-h" \
		-fflags +bitexact "$@" -g 40 -keyint_min 40 "$file"
}

flash flash.ivf 640 360 60 1 -c:v libvpx -auto-alt-ref 0 -lag-in-frames 0 -deadline good -cpu-used 1 -b:v 40k
flash flash.h264 320 180 10 2 -c:v libx264 -profile:v baseline -tune zerolatency -x264-params scenecut=0:sliced-threads=0:threads=1:aud=0 -bsf:v filter_units=remove_types=6 -b:v 60k
flash flash-vp9.ivf 320 180 10 3 -c:v libvpx-vp9 -auto-alt-ref 0 -lag-in-frames 0 -deadline good -cpu-used 4 -b:v 60k
flash flash-av1.ivf 320 180 10 4 -c:v libaom-av1 -usage realtime -cpu-used 8 -lag-in-frames 0 -b:v 60k

# A beep of 100 ms at each full second, a tone of 600 to 1500 Hz by the second.
# A decoder gives it 6.5 ms late, which is made up for. The first ten seconds
# are for the encoder to begin.
late=0.0065
ffmpeg -nostdin -v error -y -f lavfi -i "aevalsrc='0.5*lt(mod(t+$late,1),0.1)*sin(2*PI*(600+100*mod(floor(t+$late),10))*mod(t+$late,1))':s=48000:d=21" \
	-ac 1 -c:a libopus -b:a 32k -vbr off -application audio -frame_duration 20 -page_duration 20000 "$tmp/beep.ogg"
ffmpeg -nostdin -v error -y -ss 10 -i "$tmp/beep.ogg" -t 9.99 -map_metadata -1 -fflags +bitexact -c copy -page_duration 20000 beep.ogg
