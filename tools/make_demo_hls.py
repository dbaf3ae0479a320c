#!/usr/bin/env python3
"""Makes conf/demo/hls: a small HLS asset (RFC 8216) that the demo's streamers serve: a media playlist and four
segments of two seconds, MPEG transport streams (ISO/IEC 13818-1) with one track of silent AAC. A few kB, and
players play it. The same bytes each time; nothing but the standard library."""
import pathlib

OUT = pathlib.Path(__file__).resolve().parent.parent / "conf/demo/hls"
SEGMENTS, SECONDS = 4, 2
PACKET = 188
PID_PMT, PID_AUDIO = 0x1000, 0x100
RATE, SAMPLES = 48000, 1024  # of an AAC frame
FRAMES_A_PES = 24

# One AAC-LC frame of silence, one channel: scale factors and spectrum all zero.
SILENCE = bytes([0x00, 0xC8, 0x00, 0x80, 0x23, 0x80])


def adts(frame):
    """The frame behind an ADTS header: MPEG-4, AAC-LC, 48 kHz (index 3), one channel."""
    size = len(frame) + 7
    return bytes([0xFF, 0xF1, 1 << 6 | 3 << 2, 1 << 6 | size >> 11, size >> 3 & 255, (size & 7) << 5 | 0x1F,
                  0xFC]) + frame


def crc32_mpeg(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc.to_bytes(4, "big")


def section(table, number, body):
    """A program specific information section, whole in one packet, behind its pointer field."""
    head = bytes([table, 0xB0, len(body) + 9]) + number.to_bytes(2, "big") + bytes([0xC1, 0, 0])
    return b"\0" + head + body + crc32_mpeg(head + body)


PAT = section(0, 1, bytes([0, 1]) + (0xE000 | PID_PMT).to_bytes(2, "big"))
PMT = section(2, 1, (0xE000 | PID_AUDIO).to_bytes(2, "big") + b"\xF0\0" +
              b"\x0F" + (0xE000 | PID_AUDIO).to_bytes(2, "big") + b"\xF0\0")


class Muxer:
    def __init__(self):
        self.counter = {}
        self.out = bytearray()

    def packets(self, pid, payload, pcr=None):
        """payload in packets of 188 bytes; the last is filled up through its adaptation field."""
        first = True
        while payload:
            field = b""
            if first and pcr is not None:
                base = pcr << 15 | 0x7E00  # 33 bits of 90 kHz, 6 reserved, 9 of extension
                field = b"\x10" + base.to_bytes(6, "big")
            room = PACKET - 4 - (len(field) + 1 if field else 0)
            part, payload = payload[:room], payload[room:]
            fill = room - len(part)
            if fill and not field:  # an adaptation field costs its length byte, then its flags
                fill -= 1
                field = b"\0" if fill else b""
                fill = max(0, fill - 1)
                has_field = True
            else:
                has_field = bool(field)
            count = self.counter.get(pid, 0)
            self.counter[pid] = count + 1 & 15
            self.out += bytes([0x47, (0x40 if first else 0) | pid >> 8, pid & 255, (0x30 if has_field else 0x10) | count])
            if has_field:
                self.out += bytes([len(field) + fill]) + field + b"\xFF" * fill
            self.out += part
            first = False

    def table(self, pid, payload):
        self.packets(pid, payload + b"\xFF" * (PACKET - 4 - len(payload)))

    def audio(self, frames, ticks):
        body = b"".join(frames)
        pts = bytes([0x21 | ticks >> 29 & 0x0E, ticks >> 22 & 255, ticks >> 14 & 0xFE | 1, ticks >> 7 & 255,
                     ticks << 1 & 0xFE | 1])
        pes = b"\0\0\1\xC0" + (len(body) + 8).to_bytes(2, "big") + b"\x80\x80\5" + pts + body
        self.packets(PID_AUDIO, pes, pcr=ticks)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    mux = Muxer()
    done = 0
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{SECONDS + 1}", "#EXT-X-MEDIA-SEQUENCE:0",
             "#EXT-X-PLAYLIST-TYPE:VOD"]
    for number in range(SEGMENTS):
        upto = -(-(number + 1) * SECONDS * RATE // SAMPLES)
        begun = done
        mux.out.clear()
        mux.table(0, PAT)
        mux.table(PID_PMT, PMT)
        while done < upto:
            n = min(FRAMES_A_PES, upto - done)
            mux.audio([adts(SILENCE)] * n, 90000 + done * SAMPLES * 90000 // RATE)
            done += n
        name = f"segment{number}.ts"
        (OUT / name).write_bytes(mux.out)
        lines += [f"#EXTINF:{(done - begun) * SAMPLES / RATE:.3f},", name]
    (OUT / "index.m3u8").write_text("\n".join(lines + ["#EXT-X-ENDLIST", ""]))
    print(f"{OUT}: {SEGMENTS} segments, {sum(f.stat().st_size for f in OUT.iterdir())} bytes")


if __name__ == "__main__":
    main()
