// Light, dark, or same as the system. The choice is stored if the browser allows it.

type Theme = 'auto' | 'light' | 'dark'
const KEY = 'flagstone-theme'
const NEXT: Readonly<Record<Theme, Theme>> = { auto: 'light', light: 'dark', dark: 'auto' }
const NAMES: Readonly<Record<Theme, string>> = { auto: 'same as the system', light: 'light', dark: 'dark' }

const systemIsDark = window.matchMedia('(prefers-color-scheme: dark)')
const listeners: (() => void)[] = []

function kept(): Theme {
  try {
    const value = localStorage.getItem(KEY)
    return value === 'light' || value === 'dark' ? value : 'auto'
  } catch {
    return 'auto'
  }
}

let theme = kept()

export const isDark = (): boolean => theme === 'dark' || (theme === 'auto' && systemIsDark.matches)

/** Called whenever colours change. */
export function onTheme(listener: () => void): void {
  listeners.push(listener)
}

function apply(): void {
  document.documentElement.dataset['theme'] = theme
  for (const listener of listeners) listener()
}

export function nextTheme(): string {
  theme = NEXT[theme]
  try {
    localStorage.setItem(KEY, theme)
  } catch {
    // the choice lasts until the page is left
  }
  apply()
  return `Colours: ${NAMES[theme]}`
}

/** Makes a button switch themes and say which one is on. */
export function bindThemeButton(button: HTMLButtonElement, say: (text: string) => void): void {
  const name = (): void => {
    button.title = `Colours: ${NAMES[theme]}`
    button.setAttribute('aria-label', button.title)
  }
  button.addEventListener('click', () => {
    say(nextTheme())
  })
  onTheme(name)
  name()
}

systemIsDark.addEventListener('change', apply)
apply()
