// Vectors: their two principal components (power iteration with deflation), and which are near one of them.

const AT_ONCE = 30;  // milliseconds

export function normalized(vector) {
  const length = Math.hypot(...vector) || 1;
  return Float32Array.from(vector, (each) => each / length);
}

// Many vectors take seconds: the page draws and listens in between.
export async function components(vectors, rounds = 80) {
  const width = vectors[0].length;
  const mean = new Float64Array(width);
  for (const own of vectors) for (let n = 0; n < width; n++) mean[n] += own[n] / vectors.length;
  const found = [];
  let since = performance.now();
  for (let number = 0; number < 2; number++) {
    let axis = Float64Array.from({ length: width }, (_, n) => Math.sin(1 + n * (number + 1.7)));
    for (let round = 0; round < rounds; round++) {
      if (performance.now() - since > AT_ONCE) {
        await new Promise((go) => setTimeout(go));
        since = performance.now();
      }
      for (const other of found) remove(axis, other);
      const next = new Float64Array(width);
      for (const own of vectors) {
        let score = 0;
        for (let n = 0; n < width; n++) score += (own[n] - mean[n]) * axis[n];
        for (let n = 0; n < width; n++) next[n] += score * (own[n] - mean[n]);
      }
      const length = Math.hypot(...next) || 1;
      const turned = next.map((each) => each / length);
      const moved = turned.reduce((most, each, n) => Math.max(most, Math.abs(each - axis[n])), 0);
      axis = turned;
      if (moved < 1e-5) break;
    }
    for (const other of found) remove(axis, other);
    found.push(axis);
  }
  return vectors.map((own) => found.map((axis) => axis.reduce((sum, each, n) => sum + each * (own[n] - mean[n]), 0)));
}

function remove(axis, other) {
  const shared = axis.reduce((sum, each, n) => sum + each * other[n], 0);
  for (let n = 0; n < axis.length; n++) axis[n] -= shared * other[n];
}

export function nearest(vectors, wanted, most = 12) {
  const scores = vectors.map((own, place) => [own.reduce((sum, each, n) => sum + each * wanted[n], 0), place]);
  return scores.sort((one, other) => other[0] - one[0]).slice(0, most);
}
