// Light or dark, chosen before the first paint: a module would run after it.
;(() => {
  const root = document.documentElement
  const system = matchMedia('(prefers-color-scheme: dark)')
  const chosen = localStorage.getItem('theme')
  if (chosen === 'light' || chosen === 'dark') root.dataset.theme = chosen

  addEventListener('DOMContentLoaded', () => {
    document.getElementById('theme')?.addEventListener('click', () => {
      const isDark = (root.dataset.theme ?? (system.matches ? 'dark' : 'light')) === 'dark'
      root.dataset.theme = isDark ? 'light' : 'dark'
      localStorage.setItem('theme', root.dataset.theme)
    })
  })
})()
