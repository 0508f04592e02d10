// Files on their way to the server and back, as base64: nothing of them is written to a disk on the way.

const MOST_BYTES = 20 * 1024 * 1024;

// The content of a file, null where it is too large to be read.
export function dataOf(file) {
  if (file.size > MOST_BYTES) return Promise.resolve(null);
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(",")[1] ?? "");
    reader.onerror = () => resolve("");
    reader.readAsDataURL(file);
  });
}

export const bytesOf = (data) => Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
