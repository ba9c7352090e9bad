import { defineConfig } from 'allure'
import { siteConfig, siteSettings } from './reporters/site-config.ts'

/** Read by the Allure command line; `pnpm report` is what calls it. */
export default defineConfig(siteConfig(siteSettings(process.env)))
