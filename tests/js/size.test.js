import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'

import { transform } from 'esbuild'

const folder = new URL('../../goroom/static/', import.meta.url)

test('the client is under 6 KB minified and gzipped', async () => {
  const source = await readFile(new URL('goroom.js', folder), 'utf8')
  const { code } = await transform(source, { minify: true, format: 'esm', target: 'es2022' })
  const size = gzipSync(code, { level: 9 }).length

  assert.ok(size < 6 * 1024, `${size} bytes`)
})

test('the client needs nothing and evaluates nothing', async () => {
  const source = await readFile(new URL('goroom.js', folder), 'utf8')

  assert.doesNotMatch(source, /^import|\bimport\(|\brequire\(|\beval\(|new Function/m)
})
